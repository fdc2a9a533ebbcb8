"""From COCO Camera Traps files to a leak-proof classification table; no torch here."""
