"""The nouns of Blockline, and pure folds over stored facts. Standard library only."""
