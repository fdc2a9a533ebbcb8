"""Query strategies: which items to label next, as pure functions over arrays.

from classification.query import STRATEGIES, Pool, select
picks = select("margin", pool, 100, np.random.default_rng(0))
"""

from classification.query.composition import ActiveLearningSampler
from classification.query.limits import Limits
from classification.query.mixture import Bandit
from classification.query.pool import Pool
from classification.query.select import STRATEGIES, select
from classification.query.strategy import BaseSampler, Strategy

__all__ = [
    "STRATEGIES",
    "ActiveLearningSampler",
    "Bandit",
    "BaseSampler",
    "Limits",
    "Pool",
    "Strategy",
    "select",
]
