import json
import os
import re
import subprocess

from dev.paths import ROOT


def bill() -> str:
    env = {**os.environ, "PIP_INDEX_URL": "https://mirror.example/simple"}
    done = subprocess.run(
        [ROOT / "script" / "sbom"], cwd="/", env=env, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_the_bill_of_materials_lists_every_pin_with_its_hashes_and_nothing_of_this_machine():
    text = bill()
    components = json.loads(text)["components"]
    pins = dict(
        re.findall(r"^([a-z0-9-]+)(?:\[.*\])?==([^ ;]+)", (ROOT / "requirements.txt").read_text(), re.M)
    )

    assert {component["name"]: component["version"] for component in components} == pins
    assert all(component["externalReferences"][0]["hashes"] for component in components)
    assert "mirror.example" not in text
    assert str(ROOT) not in text
    assert bill() == text
