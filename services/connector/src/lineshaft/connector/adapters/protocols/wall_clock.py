"""A clock on the wall at the source, which goes back once a year and shows an hour twice."""

from datetime import datetime, timedelta, tzinfo

FARTHEST_BACK = timedelta(hours=1)


def earliest_from(moment: datetime, zone: tzinfo) -> datetime:
    """No clock of the zone shows an earlier time from this moment on; without a zone, as it is on the wall.

    What is written after the clock was put back has a time that lies before that of what was written first.
    """
    shown = moment.astimezone(zone).replace(tzinfo=None)
    soon = (moment + FARTHEST_BACK).astimezone(zone).replace(tzinfo=None)
    return min(shown, soon - FARTHEST_BACK)
