"""Order doctor: finds what is wrong in the shop, repairs what is safe, and advises on the rest."""
