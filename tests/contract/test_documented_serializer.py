"""The serializer of the documentation keeps the contract, by the test that the documentation gives."""

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

# The contract knows nothing of databases that have to be closed, which newer versions of Python warn of.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning")

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "serializers.md"

shown, test = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
for name in ("acme_databases", "acme_databases.serializer"):
    sys.modules[name] = ModuleType(name)
exec(shown, vars(sys.modules["acme_databases.serializer"]))
exec(test, globals())
