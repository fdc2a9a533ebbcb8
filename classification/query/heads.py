"""The classifier a strategy may ask: the one the pool brings, or a linear one on its labels."""

from classification.errors import FieldmarkError
from classification.linear import fit_linear
from classification.query.pool import Head, Pool


def head_of(pool: Pool) -> Head:
    """The head of the pool, or a linear one fitted to its labels.

    Raises:
        FieldmarkError: there is neither a head nor a label.
    """
    if pool.head is not None:
        return pool.head
    taught = pool.taught
    if not len(taught):
        raise FieldmarkError(
            "this strategy needs a classifier, and the pool has neither one nor labels to fit one "
            "to: set Pool.head, or label some items first"
        )
    return fit_linear(pool.embeddings[taught], pool.labels[taught])
