"""Which camera locations hold a species, and what else is there: table and figure."""

from classification.cli import run_step
from classification.data.lila.options import SpeciesOptions

if __name__ == "__main__":
    run_step(
        SpeciesOptions,
        "classification.data.lila.locations:find_species_locations",
        positional=("species",),
    )
