"""`lineshaft integrations`: folders of source systems, begun, checked and finished."""
