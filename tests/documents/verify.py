"""Reads what `tminus check` wrote by the tools and schemas of each form, and holds it against the JSON findings."""

import json
import os
import re
import sys
from urllib.parse import unquote

import yaml
from junitparser import Failure, JUnitXml, SystemOut
from jsonschema import Draft4Validator, FormatChecker
from lxml import etree
from rfc3986_validator import validate_rfc3986
from sarif import loader

base, modules = sys.argv[1:]
here = os.path.dirname(__file__)


def text(form):
    with open(f"{base}.{form}", encoding="utf-8", newline="") as file:
        return file.read()


# What moves a cursor or turns text, besides the line ends between lines of output.
HIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def visible(part):
    return HIDDEN.sub(lambda found: found[0] if found[0] == "\t" else f"<U+{ord(found[0]):04X}>", part)


findings = json.loads(text("json"))["findings"]
errors = [one for one in findings if one["severity"] == "error"]

# JSON and YAML are the same value, and no form prints what a terminal would obey.
assert yaml.safe_load(text("yaml")) == {"findings": findings}, "YAML and JSON differ"
for form in ["json", "yaml", "github", "junit", "sarif"]:
    found = HIDDEN.search(text(form))
    assert not found, f"{form} prints {found[0]!r} at {found.start()}"

# SARIF: its schema, its addresses, its own reader.
with open(f"{modules}/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json", encoding="utf-8") as file:
    schema = json.load(file)
log = json.loads(text("sarif"))
checker = FormatChecker()
checker.checks("uri-reference")(lambda value: not isinstance(value, str) or bool(validate_rfc3986(value, "URI_reference")))
problems = [f"{list(error.absolute_path)}: {error.message[:300]}" for error in Draft4Validator(schema, format_checker=checker).iter_errors(log)]
assert not problems, problems[:3]
rules = [rule["id"] for rule in log["runs"][0]["tool"]["driver"]["rules"]]
assert len(rules) == len(set(rules)), "rules are unique"
results = loader.load_sarif_file(f"{base}.sarif").get_results()
assert len(results) == len(findings), (len(results), len(findings))
for one, result in zip(findings, results):
    physical = result["locations"][0]["physicalLocation"]
    address = unquote(re.sub("^file://", "", physical["artifactLocation"]["uri"]))
    assert address == one["file"], (address, one["file"])
    assert physical["region"] == {"startLine": one["line"], "startColumn": one["column"]}, physical
    assert result["level"] == one["severity"] and rules[result["ruleIndex"]] == result["ruleId"] == one["code"], result
    assert result["message"]["text"] == f"{one['message']}; {one['help']}", result

# JUnit: its schema, its own reader. A case per finding, so that no reader drops the second of a file.
etree.XMLSchema(etree.parse(f"{here}/junit-10.xsd")).assertValid(etree.parse(f"{base}.junit"))
report = JUnitXml.fromfile(f"{base}.junit")
failed = [case for suite in report for case in suite if any(isinstance(result, Failure) for result in case.result)]
warned = [case for suite in report for case in suite if case.system_out]
assert (len(failed), report.failures) == (len(errors), len(errors)), (len(failed), len(errors))
assert len(warned) == len(findings) - len(errors), len(warned)
assert report.tests == sum(1 for suite in report for _ in suite), report.tests
told = sorted((case.classname, case.result[0].message) for case in failed)
expected = sorted((visible(one["file"]), f"{one['line']}:{one['column']}: {visible(one['message'])}") for one in errors)
assert told == expected, next(pair for pair in zip(told, expected) if pair[0] != pair[1])

print(f"{os.path.basename(base)}: {len(findings)} findings, the same in json, yaml, sarif and junit")
