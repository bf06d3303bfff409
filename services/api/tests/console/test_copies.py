from lineshaft.api.console import copies

URL = "https://lineshaft.example.com"


def test_a_list_is_copied_as_code_that_compiles() -> None:
    made = copies.of_list(URL, "work-orders", "work_order", "con_1")
    assert made["curl"].endswith(f"'{URL}/v1/work-orders?limit=100&connection_id=con_1'")
    for name in ("Python", "Kafka consumer"):
        compile(made[name], name, "exec")
    assert "connection.records('work-orders').list()" in made["Python"]
    assert "consume(['work_order']" in made["Kafka consumer"]


def test_custom_objects_share_a_topic() -> None:
    made = copies.of_list(URL, "objects/lot", "custom:lot", "con_1")
    assert "consume(['custom']" in made["Kafka consumer"]


def test_a_record_is_copied_with_its_raw_form() -> None:
    made = copies.of_record(URL, "vendors", "ven_1", "con_1")
    compile(made["Python"], "Python", "exec")
    assert made["curl"].endswith(f"'{URL}/v1/vendors/ven_1?include=raw&connection_id=con_1'")
    assert "get('ven_1', include=('raw',))" in made["Python"]
