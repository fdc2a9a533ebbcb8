"""Labelled Information Library of Alexandria (https://lila.science): camera traps, published."""
