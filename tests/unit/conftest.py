"""What the unit tests share: how hypothesis draws."""

from hypothesis import HealthCheck, settings

# How long one example takes says more of the machine's other work than of the code: speed is bench's subject.
settings.register_profile("l233", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("l233")
