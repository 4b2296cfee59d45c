"""What holds for all tests: examples of a property have no deadline, as machines are shared; pytest ends what hangs."""

from hypothesis import HealthCheck, settings

settings.register_profile("house", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")
