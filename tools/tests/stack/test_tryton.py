import base64
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from lineshaft.tools.stack.supervisor import Supervisor
from lineshaft.tools.stack.tryton import TrytonSource

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


class Client:
    """A customer's integration: it knows the base URL and an account, no more."""

    def __init__(self, source: TrytonSource) -> None:
        self.url = f"{source.base_url}/{source.database}/rpc/"
        self.headers: dict[str, str] = {}

    def post(self, method: str, *parameters: Any) -> httpx.Response:
        question = {"id": 1, "method": method, "params": parameters}
        return httpx.post(self.url, json=question, headers=self.headers, timeout=30)

    def login(self, username: str, password: str) -> None:
        answer = self.post("common.db.login", username, {"password": password}, "en")
        user, session, _ = answer.json()["result"]
        token = base64.b64encode(f"{username}:{user}:{session}".encode()).decode()
        self.headers = {"Authorization": f"Session {token}"}

    def read(self, model: str, fields: list[str]) -> Any:
        answer = self.post(f"model.{model}.search_read", [], 0, 5, [["id", "DESC"]], fields, {"company": 1})
        assert answer.status_code == 200
        body = answer.json()
        return body.get("result", body.get("error"))


@pytest.fixture(scope="module")
def source(shared_supervisor: Supervisor) -> Iterator[TrytonSource]:
    source = TrytonSource(shared_supervisor)
    source.prepare()
    source.start()
    yield source
    source.stop()


@pytest.fixture
def client(source: TrytonSource) -> Client:
    client = Client(source)
    client.login(source.username, source.password)
    return client


def test_the_unprivileged_account_reads_the_plant(client: Client, source: TrytonSource) -> None:
    assert client.read("party.party", ["code"])[0]["code"] == "V-0059"
    assert client.read("stock.lot", ["number"])[0]["number"] == "MIXER-12"
    assert client.read("stock.location", ["parent.rec_name"])[0]["parent."]["rec_name"] == "[NG-H3] Hall 3"
    assert client.read("purchase.purchase", ["state"])[0]["state"] == "confirmed"
    part = client.read("product.product", ["cost_price", "last_modified_at"])[-1]
    assert part["cost_price"]["__class__"] == "Decimal"
    assert part["last_modified_at"]["__class__"] == "datetime"
    assert client.read("stock.inventory", ["id"])[0] == "UserError"


def test_a_new_password_ends_the_session(client: Client, source: TrytonSource) -> None:
    source.change_password("another-password-2026")
    assert client.post("model.party.party.search", [], 0, 1, None, {}).status_code == 401
    client.login(source.username, source.password)
    assert client.post("model.party.party.search", [], 0, 1, None, {}).status_code == 200


@pytest.mark.parametrize(
    ("model", "label"), [("purchase.purchase", "Purchase"), ("product.product", "Product")]
)
def test_a_revoked_right_stops_one_model_only(
    client: Client, source: TrytonSource, model: str, label: str
) -> None:
    source.operator.revoke_read(model)
    message = [f'You are not allowed to access "{label}".', "Within groups: Integration", None]
    assert client.read(model, ["id"]) == ["UserError", message]
    assert len(client.read("party.party", ["id"])) == 5
    source.operator.restore_read(model)
    assert len(client.read(model, ["id"])) == 5


def test_a_touched_record_is_a_changed_record(client: Client, source: TrytonSource) -> None:
    for model in ("party.party", "product.product", "stock.lot", "stock.location", "purchase.purchase"):
        before = client.read(model, ["write_date", "rec_name"])[0]
        source.operator.touch(model, before["id"])
        after = client.read(model, ["write_date", "rec_name"])[0]
        assert after["write_date"] != before["write_date"]
        assert after["rec_name"] == before["rec_name"]


def test_vendors_come_change_and_go(client: Client, source: TrytonSource) -> None:
    operator = source.operator
    count = operator.count("party.party")
    vendor = operator.add_vendor("V-NEW", "New vendor")
    assert operator.count("party.party") == count + 1
    assert operator.rename_vendor("V-NEW", "Renamed vendor") == vendor
    assert client.read("party.party", ["name"])[0]["name"] == "Renamed vendor"
    operator.delete("party.party", vendor)
    assert operator.count("party.party") == count


def test_another_account_is_another_user(client: Client, source: TrytonSource) -> None:
    source.operator.add_user("other", "other-password-2026")
    other = Client(source)
    other.login("other", "other-password-2026")
    assert other.headers != client.headers
    assert len(other.read("party.party", ["id"])) == 5


def test_only_the_customers_requests_are_counted(client: Client, source: TrytonSource) -> None:
    before = source.requests_seen()
    client.read("party.party", ["id"])
    source.operator.count("party.party")
    client.read("stock.lot", ["id"])
    assert source.requests_seen() == before + 2


def test_the_plant_survives_a_kill(source: TrytonSource) -> None:
    vendor = source.operator.add_vendor("V-KEPT", "Kept")
    source.kill()
    source.start()
    assert source.operator.rename_vendor("V-KEPT", "Still here") == vendor


def test_a_locked_account_can_be_unlocked(source: TrytonSource) -> None:
    source.operator.add_user("locked", "locked-password-2026")
    wrong = ("locked", {"password": "guess"}, "en")
    statuses = {Client(source).post("common.db.login", *wrong).status_code for _ in range(2)}
    assert statuses == {401}
    source.unlock_logins()
    Client(source).login("locked", "locked-password-2026")
