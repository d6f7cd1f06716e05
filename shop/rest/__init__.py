"""What the apps' REST interfaces share: money, pages, problems."""
