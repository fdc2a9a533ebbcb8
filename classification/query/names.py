"""Names of the strategies, apart from their code, for checks of configurations."""

AUDIT = "audit"  # in query.csv: drawn from the whole pool at random, by no strategy

STRATEGY_NAMES = (
    "auto",
    "random",
    "margin",
    "entropy",
    "least_confident",
    "bald",
    "vote_entropy",
    "disagreement",
    "class_entropy",
    "class_high",
    "class_low",
    "kcenter",
    "badge",
    "cdal",
    "falcun",
    "mixed",
    "bait",
    "galaxy",
    "direct",
    "alfa_mix",
    "typiclust",
    "cluster_margin",
    "informative_diverse",
    "hierarchical",
    "graph_density",
    "mixture_of_samplers",
    "simulate_batch",
    "maxherding",
    "uherding",
    "cluster_centres",
    "margin_cluster_mean",
    "dropquery",
    "probcover",
)

ALIASES = {
    "uniform": "random",
    "confidence": "least_confident",
    "coreset": "kcenter",
    "kmeans": "cluster_centres",
}
"""Other names the same strategies are known by."""
ALL_NAMES = (*STRATEGY_NAMES, *ALIASES)
"""What a configuration may say."""

NEEDS_MODEL = frozenset(
    {
        "margin",
        "entropy",
        "least_confident",
        "bald",
        "vote_entropy",
        "disagreement",
        "class_entropy",
        "class_high",
        "class_low",
        "badge",
        "cdal",
        "falcun",
        "mixed",
        "bait",
        "galaxy",
        "direct",
        "alfa_mix",
        "cluster_margin",
        "informative_diverse",
        "mixture_of_samplers",
        "simulate_batch",
        "margin_cluster_mean",
    }
)
"""Strategies that read class probabilities and therefore cannot open a run."""

NEEDS_OPTIONS = frozenset({"class_entropy", "class_high", "class_low"})
"""Strategies with an option that has no default: which class."""
