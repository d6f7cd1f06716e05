"""The messaging kernel: how a fact leaves one context and reaches the others. It knows no app."""
