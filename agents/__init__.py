"""Who reacts: one short module per organism, plus intake and cases."""
