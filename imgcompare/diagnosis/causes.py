"""Every cause that is looked for; the first that is proven counts."""

from __future__ import annotations

from imgcompare.diagnosis.addresses import no_such_address, on_ipv6_only
from imgcompare.diagnosis.applications import no_application
from imgcompare.diagnosis.build_failures import failed_build
from imgcompare.diagnosis.command_forms import mixed_forms
from imgcompare.diagnosis.command_words import misunderstood
from imgcompare.diagnosis.executables import cannot_start
from imgcompare.diagnosis.libraries import shared_library
from imgcompare.diagnosis.missing_service import service_missing
from imgcompare.diagnosis.modules import missing_module
from imgcompare.diagnosis.network import unreachable
from imgcompare.diagnosis.no_command import no_command
from imgcompare.diagnosis.package_versions import incompatible, permission
from imgcompare.diagnosis.service_errors import not_migrated, service_not_ready, wrong_credentials
from imgcompare.diagnosis.shadowing import shadowed_module
from imgcompare.diagnosis.shell_scripts import misread_script
from imgcompare.diagnosis.silence import nothing_said
from imgcompare.diagnosis.variables import variable_not_set

CAUSES = (
    failed_build,
    mixed_forms,
    misunderstood,
    misread_script,
    cannot_start,
    shadowed_module,
    missing_module,
    variable_not_set,
    shared_library,
    service_not_ready,
    wrong_credentials,
    not_migrated,
    service_missing,
    incompatible,
    permission,
    no_application,
    no_command,
    on_ipv6_only,
    no_such_address,
    unreachable,
    nothing_said,
)
