"""What the ecosystems of packages are called, in the order in which they are shown; keys are package URLs' types."""

TITLES = {
    "deb": "Debian",
    "apk": "Alpine",
    "rpm": "RPM",
    "conda": "conda",
    "pypi": "Python",
    "npm": "Node",
    "golang": "Go",
    "maven": "Java",
    "gem": "Ruby",
    "composer": "PHP",
    "nuget": ".NET",
    "cargo": "Rust",
}
