"""What an event says to whoever chooses which ones to hear of."""

from collections.abc import Mapping

EVENT_MEANINGS: Mapping[str, str] = {
    "connection.reauthorization_required": "The source refuses the customer's credentials:"
    " nothing goes on until they have entered new ones.",
    "connection.recovered": "What was wrong is over, and calls go through again.",
    "connection.status_changed": "Any change between healthy, partly working, unreachable and the rest."
    " The most talkative of all.",
    "connection.created": "A customer has connected for the first time.",
    "connection.disconnected": "Somebody ended a connection; it is no longer called.",
    "connection.credentials_expiring": "A password or token has an end, and it is near."
    " Time to ask the customer before anything stops.",
    "connection.permissions_missing": "The customer's account may not do something that is needed.",
    "sync.completed": "A read of the source has ended well. For programs rather than people: there are many.",
    "sync.failed": "A read of the source has ended without all of its records.",
    "mapping.drifted": "The source changed its fields, and values no longer fit or are left empty.",
    "system.outage": "Many customers of one system are out of reach together: told once, for all of them.",
    "system.recovered": "Such an outage is over.",
    "webhook_endpoint.failing": "Your product does not take the events that are sent to it.",
    "webhook_endpoint.disabled": "It took nothing for so long that sending was switched off.",
}
