#!/usr/bin/env python3
"""Writes crates/lab/src/kubeadm/gates.tsv: what each feature gate of Kubernetes was, by minor version.

Reads the lists in Kubernetes' own sources, which `go mod download` fetches. Run it when a new minor
version is out, with the first and the last one to look at:

    python3 docs/feature-gates.py 31 37 > crates/lab/src/kubeadm/gates.tsv
"""

import json
import re
import subprocess
import sys
from pathlib import Path

LISTS = {
    "kubernetes": ["pkg/features/kube_features.go", "pkg/features/versioned_kube_features.go"],
    "apiserver": ["pkg/features/kube_features.go"],
    "apiextensions-apiserver": ["pkg/features/kube_features.go"],
    "client-go": ["features/known_features.go"],
    "component-base": ["metrics/features/kube_features.go", "logs/api/v1/kube_features.go",
                       "zpages/features/kube_features.go"],
    "controller-manager": ["pkg/features/kube_features.go"],
}
NAME = re.compile(r'^\s*(\w+)\s+(?:featuregate\.)?Feature\s*=\s*"(\w+)"', re.M)
SPEC = re.compile(r"\{?(?:Version: version\.Must\w*\(\"?([\d., ]+)\"?\),\s*)?Default:\s*(\w+),\s*PreRelease:\s*"
                  r"(?:featuregate\.)?(\w+)(,\s*LockToDefault:\s*true)?")


def folder(module, minor):
    """Where a module of a minor version is, fetched if it is not there."""
    version = f"v1.{minor}.0" if module == "kubernetes" else f"v0.{minor}.0"
    told = subprocess.run(["go", "mod", "download", "-json", f"k8s.io/{module}@{version}"],
                          check=True, capture_output=True, text=True).stdout
    return Path(json.loads(told)["Dir"])


def stage(default, release, locked):
    """In the words of the table."""
    return {
        "Alpha": "alpha",
        "Beta": "beta on" if default == "true" else "beta",
        "GA": "stable for good" if locked else "stable",
        "Deprecated": "deprecated",
        "PreAlpha": "alpha",
    }[release if release != '' else "GA"]


def gates(minor):
    """Every gate of a minor version: what it is from which minor version on."""
    found = {}
    for module, files in LISTS.items():
        paths = [folder(module, minor) / file for file in files]
        texts = [path.read_text() for path in paths if path.exists()]
        names = dict(NAME.findall("\n".join(texts)))
        for text in texts:
            for block in re.findall(r"^\t(?:\w+\.)?(\w+):\s*(\{.*?)(?=^\t\S|^\})", text, re.M | re.S):
                specs = SPEC.findall(block[1])
                if specs:
                    name = names.get(block[0], block[0])
                    history = found.setdefault(name, {})
                    for version, default, release, locked in specs:
                        since = int(re.split(r"[., ]+", version)[1]) if version else minor
                        if since <= minor:
                            history[since] = stage(default, release, locked)
    return found


def main(first, last):
    table, seen = {}, {}
    for minor in range(first, last + 1):
        now = gates(minor)
        for name, history in now.items():
            line = table.setdefault(name, {})
            line.update(history)
        for name in seen:
            if name not in now and "gone" not in table[name].values():
                table[name][minor] = "gone"
        seen = {**seen, **{name: True for name in now}}
    print(f"# Feature gates of Kubernetes 1.{first} to 1.{last}, by docs/feature-gates.py.")
    for name in sorted(table):
        line = sorted(table[name].items())
        line = [one for index, one in enumerate(line) if index == 0 or one[1] != line[index - 1][1]]
        print(name, ", ".join(f"1.{minor} {word}" for minor, word in line), sep="\t")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
