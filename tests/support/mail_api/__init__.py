"""Stand-in for the HTTP APIs of providers of e-mail, after their public references."""
