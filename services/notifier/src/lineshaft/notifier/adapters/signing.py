"""Opens the signing secrets of endpoints and signs with them."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from standardwebhooks import Webhook

from lineshaft.common.encryption import KeyRing, UnreadableSecretError
from lineshaft.common.logs import logger
from lineshaft.common.postgres.pool import Pool
from lineshaft.common.postgres.sealed import SealedTable
from lineshaft.notifier.adapters import postgres
from lineshaft.notifier.domain.secrets import StoredSecret, in_force

KEPT_SIGNERS = 10_000

log = logger(__name__)


class Signers:
    """The signers of an endpoint, the newest first; none where no secret can be read."""

    def __init__(self, pool: Pool, keys: KeyRing, overlap: timedelta) -> None:
        self._pool = pool
        self._keys = keys
        self._overlap = overlap
        self._opened: dict[str, Webhook] = {}

    async def of(self, endpoint_ids: Iterable[str], now: datetime) -> dict[str, list[Webhook]]:
        stored = await postgres.secrets_of(self._pool, endpoint_ids)
        return {
            endpoint_id: [
                signer
                for secret in in_force(secrets, now, self._overlap)
                if (signer := self._open(secret)) is not None
            ]
            for endpoint_id, secrets in stored.items()
        }

    def _open(self, secret: StoredSecret) -> Webhook | None:
        known = self._opened.get(secret.secret_id)
        if known is not None:
            return known
        try:
            opened = self._keys.open(
                secret.sealed, bound_to=secret_binding(secret.endpoint_id, secret.secret_id)
            )
            signer = Webhook(opened.decode())
        except (UnreadableSecretError, ValueError, RuntimeError) as error:
            log.warning(
                "secret_unreadable",
                endpoint_id=secret.endpoint_id,
                secret_id=secret.secret_id,
                reason=type(error).__name__,
            )
            return None
        if len(self._opened) >= KEPT_SIGNERS:
            self._opened.clear()
        self._opened[secret.secret_id] = signer
        return signer


def secret_binding(endpoint_id: str, secret_id: str) -> str:
    return f"webhook_secret/{endpoint_id}/{secret_id}"


SEALED = (SealedTable("webhook_secret", "secret_id", secret_binding, owner="endpoint_id"),)


async def forget_replaced(pool: Pool, overlap: timedelta) -> None:
    await pool.execute(postgres.SQL["forget_secrets"], overlap)


def signed_headers(signers: Iterable[Webhook], webhook_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Standard Webhooks: one signature per secret in force."""
    text = body.decode()
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signer.sign(webhook_id, at, text) for signer in signers),
    }
