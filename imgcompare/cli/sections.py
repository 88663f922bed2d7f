"""Help texts with many options, listed by what they are for."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

import click

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "What to compare": ("scenario", "config", "comparison", "all_", "shard", "times", "baseline", "against"),
    "Build": (
        *("build_context", "build_arg", "platform", "builder", "no_cache", "pull", "jobs", "rm_images"),
        *("secret", "ssh", "network", "add_host", "shm_size", "ulimit", "cache_from", "cache_to"),
    ),
    "Run and check": (
        *("route", "request_method", "request_header", "request_body"),
        *("container_port", "host_port", "publish_address", "env", "timeout"),
        *("expect_status", "expect_body", "expect_body_pattern", "also", "keep"),
    ),
    "Beside each variant": ("compose", "bind_mounts", "with_", "volume"),
    "Measure more": ("health", "stop", "hardened", "after_change", "runs", "build_runs"),
    "Limits": (
        *("max_size", "max_compressed_size", "max_own_size", "max_layers"),
        *("min_saving", "max_wasted", "max_ready", "max_growth", "must_work"),
    ),
    "Engine": ("host", "docker_context"),
    "Output": (
        *("file", "in_place", "force", "non_root", "formats", "format_", "json_", "files"),
        *("open_", "projector", "reports", "watch", "quiet"),
    ),
}
"""The options by their parameters' names, in the order of the help text. What is in none stands below."""


class SectionedCommand(click.Command):
    """A command whose help lists its options in SECTIONS."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each section that has options."""
        params = {param.name: param for param in self.get_params(ctx) if isinstance(param, click.Option)}
        rest = params.keys() - set(chain.from_iterable(SECTIONS.values()))
        for title, names in {**SECTIONS, "Options": tuple(name for name in params if name in rest)}.items():
            records = (params[name].get_help_record(ctx) for name in names if name in params)
            if rows := [record for record in records if record]:
                with formatter.section(title):
                    formatter.write_dl(rows)
