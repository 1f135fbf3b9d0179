"""The Celery entry point: `orion worker`, or `celery -A app.worker worker`."""

from app.core.tasks import celery_app as _celery
from app.core.tasks import task

celery_app = _celery.celery_app
run_messages = task.run_messages
