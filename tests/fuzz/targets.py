"""Every parser of foreign bytes, by name."""

from tests.fuzz.delivery_targets import DELIVERY
from tests.fuzz.evidence_targets import EVIDENCE
from tests.fuzz.file_targets import FILES
from tests.fuzz.web_targets import WEB
from tests.fuzz.wire_targets import WIRE

TARGETS = (*WIRE, *FILES, *EVIDENCE, *WEB, *DELIVERY)
