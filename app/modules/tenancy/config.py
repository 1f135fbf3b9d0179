"""Fixed values of tenancy."""

DEMO_ADMIN_TOTP_SECRET = "J5ZGS33OEBCGK3LPEBAWI3LJNYQFIT2U"  # noqa: S105 - of the demo, and printed there
