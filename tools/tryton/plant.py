"""Names of an invented plant. The same numbers always give the same plant."""  # noqa: INP001 - a script of another environment

import random

_FAMILIES = [
    "Hartmann",
    "Lindqvist",
    "Moretti",
    "Novak",
    "Dubois",
    "Keller",
    "Jansen",
    "Ferreira",
    "Kowalski",
    "Brandt",
]
_TRADES = ["Hydraulics", "Bearings", "Automation", "Seals", "Drives", "Pneumatics", "Tooling", "Fasteners"]
_FORMS = ["GmbH", "AG", "B.V.", "S.p.A.", "Ltd", "SARL"]
_STREETS = ["Industrial road", "Harbour street", "Mill lane"]
_CITIES = [
    ("Bremen", "28195"),
    ("Malmö", "211 20"),
    ("Torino", "10121"),
    ("Brno", "602 00"),
    ("Lyon", "69001"),
]

_PARTS = [
    ("Ball bearing", "mm bore, sealed on both sides"),
    ("Shaft seal", "mm, NBR"),
    ("V-belt", "mm, profile SPZ"),
    ("Hydraulic hose", "mm, 2 wire, 330 bar"),
    ("Filter cartridge", "µm, glass fibre"),
    ("Proximity sensor", "mm, PNP, M12"),
    ("Contactor", "A, 24 V DC coil"),
    ("Timing belt", "mm, HTD 8M"),
    ("Mechanical seal", "mm, SiC/SiC"),
    ("Coupling insert", "Shore A, spider"),
    ("Solenoid valve", "bar, 5/2 way"),
    ("Gear oil", "VG, 1 litre"),
]
_GRADES = [10, 12, 15, 20, 25, 30, 35, 40, 50, 60, 80, 100]

EQUIPMENT = [
    ("PUMP", "Centrifugal pump CP-40"),
    ("CNC", "Machining centre MC-500"),
    ("CONV", "Belt conveyor BC-12"),
    ("COMP", "Screw compressor SC-75"),
    ("PRESS", "Hydraulic press HP-250"),
    ("ROBOT", "Six-axis robot R6-20"),
    ("FAN", "Extraction fan EF-9"),
    ("OVEN", "Tempering oven TO-650"),
    ("CRANE", "Overhead crane OC-5"),
    ("MIXER", "Ribbon mixer RM-300"),
]

HALLS = {
    "Hall 1": ["Press line", "Assembly line", "Spare parts store"],
    "Hall 2": ["Machining cell A", "Machining cell B"],
    "Hall 3": ["Heat treatment", "Compressor room", "Pump room"],
}

EMPLOYEES = ["Ines Hartmann", "Olof Lindqvist", "Chiara Moretti", "Petr Novak", "Luc Dubois", "Ada Keller"]

OPERATIONS = {"Cut the sheet": "Laser cutter", "Bend the edges": "Press brake", "Deburr": "Bench 4"}
"""By each operation, where it is done."""

ALERTS = [
    ("Plate is not flat", "0.4 mm where 0.3 mm are allowed."),
    ("Edge is rough", "Burr along the short side."),
    ("Hole is off centre", "Drilled again."),
    ("Scratched surface", "To be seen again at the next batch."),
]


def email_of(name: str) -> str:
    return f"{name.lower().replace(' ', '.')}@plant.example"


def vendor(number: int) -> dict[str, str]:
    chance = random.Random(f"vendor {number}")  # noqa: S311 - the same plant every time
    city, postal_code = chance.choice(_CITIES)
    name = f"{chance.choice(_FAMILIES)} {chance.choice(_TRADES)} {chance.choice(_FORMS)}"
    return {
        "code": f"V-{number:04}",
        "name": name,
        "street": f"{chance.choice(_STREETS)} {chance.randint(1, 120)}",
        "city": city,
        "postal_code": postal_code,
        "email": f"orders{number}@vendor.example",
    }


def part(number: int) -> dict[str, str]:
    chance = random.Random(f"part {number}")  # noqa: S311 - the same plant every time
    name, detail = _PARTS[number % len(_PARTS)]
    grade = chance.choice(_GRADES)
    cost = chance.randint(90, 48_000)
    return {
        "code": f"SP-{number:06}",
        "name": f"{name} {grade}",
        "description": f"{name}, {grade} {detail}",
        "cost": f"{cost / 100:.2f}",
        "price": f"{cost * 1.4 / 100:.2f}",
    }
