"""Order doctor: diagnoses the whole shop, makes the safe repairs and gives advice on the rest."""
