"""The preview frame: a proposal as it travels."""

from medlab.labels import (
    Frame,
    Proposal,
    encode_frame,
    encode_runs,
    segments_to_json,
)


def preview_frame(proposal: Proposal, scan: str, layer: str, rev: int) -> bytes:
    """A proposal as it travels: runs over its box, 65535 where nothing changes."""
    header = {
        "op": "preview",
        **{"scan": scan, "layer": layer, "rev": rev, "tool": proposal.tool},
        "box": list(proposal.box),
        "enc": "rle",
        "segments": list(proposal.segments),
        "new_segments": segments_to_json(proposal.new_segments),
        "message": proposal.message,
        "crc": None,
    }
    return encode_frame(Frame(header, encode_runs(proposal.labels)))
