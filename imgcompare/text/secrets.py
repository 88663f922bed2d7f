"""Pure: the one rule for what is a secret, by its name, its value or its form; warnings and redaction share it.

A name is read word by word (``DB_PASS``, ``dbPassword``, ``--api-key``): what its words say it holds, unless the last
one says that it only tells about a secret (``PASSWORD_HASHERS``), the first that it is a switch (``USE_AUTH``), or any
that it is for everybody (``PUBLIC_KEY``). ``tests/text/test_secrets.py`` holds it to the names of public projects.
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache

from imgcompare.regex import regex


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_ENCODED = regex(r"[_.-](?:base64|b64|hex|pem)$", re.IGNORECASE)
_WORDS = regex(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
# Whole words, wherever they stand, and what a word may end in: PGPASSWORD, AUTHTOKEN, CLIENTSECRET.
_STRONG = regex(
    r"secrets|tokens|passwords|credentials?|creds|mnemonic|(?:[a-z0-9]*)(?:password|passwd|passphrase|passcode|apikey|secret"
    r"|token|privatekey|accesskey|secretkey)|(?:db|ftp|ldap|mail|my|pg|redis|root|smtp|ssh|sudo|user|admin|key|store)pass"
)
_STRONG_LAST = _set("pass pat pw pwd")
_WEAK_LAST = _set("auth pepper salt")
# Keys are secret by what they are for; a key alone may sort, cache or belong to a signer that everybody may know.
_KEYS = _set(
    """
    access account admin api app auth certificate cipher client cookie credential crypt crypto deploy dsa ecdsa
    ed enc encrypt encryption fernet hmac host identity jwe jws jwt license master nonce private role root rsa
    secret service session shared sign signature signing ssh ssl storage tls totp unseal vault webhook
    """
)
_PUBLIC = _set("anon anonymous pub pubkey public publishable")
_SWITCHES = _set(
    """
    allow disable disallow enable enabled force generate has hide ignore is max maximum min minimum need needs
    no num number random require required requires show skip support supports use uses validate verify with
    without
    """
)
# Such a word makes a switch of a name wherever it stands: MYSQL_RANDOM_ROOT_PASSWORD, AUTH_ENABLE_TOKENS.
_SWITCHING = _set("allow disable enable enforce random require")
# The last word of a name that tells something about a secret, or where it is.
_ABOUT = _set(
    """
    address age alg algo algorithm algorithms allowed arn attempts attr attribute audience backend backends
    bytes callback claim claims class complexity contract cost count created date days decimals description dest
    destination digits dir directory disabled domain driver duration email enabled encoding endpoint engine env
    exp expiration expire expired expires expiry field fields file filename filepath flow folder format grace
    handler hasher hashers header headers help hint host hostname hours id ids interval issuer issuers
    iterations keyfile keyid kid kind label length level lifetime limit limits location login logout manager max
    message method methods min minutes mode model module mount name names namespace optional page param
    parameter params path paths pattern period plugin plugins policies policy port prefix price processor prompt
    provider providers query realm redirect ref regex regexp region renewal required requires reset retries role
    roles rotation rounds rule rules scheme schemes scope scopes seconds server service sha size sizes source
    split status stdin storage store strategy strength style suffix supply symbol template text timeout title
    ttl type types uri url urls usage user username users validation validator validators validity var variable
    verification version view window
    """
)
_FLAGS = _set(
    """
    0 1 auto default disable disabled enable enabled f false n nil no none null off on optional required t true
    undefined y yes
    """
)
# What is set to such a word, and no secret: words that settings take, that logs are full of, and our own.
COMMON = _set(
    """
    access account adm admin administrator all always anonymous any app application argon2 auth author basic
    bcrypt bearer body broken build builder cache cached changeme check checked client cloud code command config
    container cookie cookies custom data database debug delete demo deny dev develop development diagnose digest
    disk docker docker-container domain dummy dynamic email empty engine env error example export external file
    files folder forever form github gitlab global google group guest header headers health healthy hello host
    http https image images info inline internal json jwt kerberos lax layer layers ldap level live local
    localhost log login main manual master memory message method missing mock mode mongo mongodb mysql name
    never nginx node none oauth oauth2 oidc open openid optional overlay overlay2 owner package packages page
    pass passed passwd password passwords path pkce plain postgres postgresql prod production proxy public pull
    python query rabbitmq read redis reference region remote request response root route run running s3 saml
    sample scenario secret secrets server service session sessions shared simple size skip smtp some sqlite
    staging start static status stop storage store strict string system table target temp test testing text time
    tls token tokens type unix unknown unset user username users value vault verify warn warning web works write
    xxx your
    """
)
_NUMBER = regex(r"[0-9]{1,5}(?:ms|[smhd])?|v?[0-9]{1,5}(?:\.[0-9]{1,5}){1,3}", re.IGNORECASE)
_PATH = regex(r"(?:~|\.{0,2})(?:/[A-Za-z0-9._-]+)+/?|/")
_REFERENCE = regex(
    r"id=\S*|\$[{(].*|%\(.*|<.*>|\{\{.*|(?:op|vault|ssm|arn|file|secret|env)s?:\S*|(?:[a-z][a-z0-9+.-]*)://\S+"
)
_SHORTEST = 4

# Tokens and keys that say themselves what they are, as their makers document.
_TOKEN = regex(
    r"(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{60,100}|glpat-[A-Za-z0-9_-]{20,64}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,250}|xapp-[A-Za-z0-9-]{20,250}|[rs]k_live_[A-Za-z0-9]{20,250}"
    r"|sk-(?:proj|ant|svcacct)-[A-Za-z0-9_-]{20,250}|AIza[A-Za-z0-9_-]{35}|npm_[A-Za-z0-9]{36}|hf_[A-Za-z0-9]{30,40}"
    r"|pypi-AgE[A-Za-z0-9_-]{50,300}|dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,64}|dop_v1_[a-f0-9]{64}|shp(?:at|ss)_[a-f0-9]{32}"
    r"|SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}|eyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{10,2000}"
    r")(?![A-Za-z0-9])"
    r"|(?<=hooks\.slack\.com/services/)[A-Za-z0-9/]{20,100}|(?<=AccountKey=)[A-Za-z0-9+/=]{20,200}"
)
# Every token has one of these in it: to look for them is seven times as fast as to look for tokens.
_MARKS = _set(
    """
    ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ glpat- xox xapp- k_live_ sk-proj- sk-ant- sk-svcacct- AIza npm_ hf_ pypi-AgE
    dckr_ dop_v1_ shpat_ shpss_ SG. eyJ hooks.slack.com/services/ AccountKey=
    """
)
PRIVATE_KEY = regex(r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
# scheme://user:PASSWORD@host; the last @ before a slash ends it, as curl and most clients read it.
URL_PASSWORD = regex(r"(?<=://)([^\s/:@\"'<>]{0,200}:)([^\s/\"'<>]{1,500})(?=@[^\s@/]{1,300})")


class Names(IntEnum):
    """How much a name says: nothing, that its value may be a secret, or that it is one."""

    NOTHING = 0
    PERHAPS = 1
    SECRET = 2


def names_secret(name: str) -> bool:
    """Whether a name (of a variable, a label, an option) says that its value is secret."""
    return _says(name) is not Names.NOTHING


def is_secret(name: str, value: str) -> bool:
    """Whether a value is secret: by its form, or by its name where it is no switch, number, path or reference."""
    if holds_secret(value):
        return True
    says = _says(name)
    if says is Names.NOTHING or not value or _tells_nothing(value):
        return False
    return says is Names.SECRET or not is_common(value)


def tokens_in(text: str) -> tuple[re.Match[str], ...]:
    """The tokens that are known by their form, in order."""
    return tuple(_TOKEN.finditer(text)) if any(mark in text for mark in _MARKS) else ()


def without_tokens(text: str, mask: str) -> str:
    """The text with ``mask`` in place of each of them."""
    return _TOKEN.sub(mask, text) if any(mark in text for mark in _MARKS) else text


def holds_secret(text: str) -> bool:
    """Whether a text holds a password within a URL, a private key, or a token known by its form."""
    return (
        bool(tokens_in(text))
        or PRIVATE_KEY.search(text) is not None
        or any(not _REFERENCE.fullmatch(match[2]) for match in URL_PASSWORD.finditer(text))
    )


def is_common(value: str) -> bool:
    """Whether a value is too short or too common a word to be told from ordinary text."""
    return len(value) < _SHORTEST or value.lower() in COMMON or _tells_nothing(value)


def _tells_nothing(value: str) -> bool:
    """Switches, short numbers, versions, paths and references to where the secret is."""
    return value.lower() in _FLAGS or any(shape.fullmatch(value) for shape in (_NUMBER, _PATH, _REFERENCE))


@lru_cache(maxsize=4096)
def _says(name: str) -> Names:
    words = [word.lower() for word in _WORDS.findall(_ENCODED.sub("", name)) if not word.isdigit()]
    if not words or words[0] in _SWITCHES or words[-1] in _ABOUT or (_PUBLIC | _SWITCHING) & set(words):
        return Names.NOTHING
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    if any(_STRONG.fullmatch(word) for word in words) and not _counts(words):
        return Names.SECRET
    if last in _STRONG_LAST and (before or last == "pass"):  # PWD alone is the folder a shell is in
        return Names.SECRET
    if last in {"key", "keys"} and before in _KEYS:
        return Names.SECRET
    if words[-2:] in (["connection", "string"], ["erlang", "cookie"], ["auth", "config"]):
        return Names.SECRET
    return Names.PERHAPS if last in _WEAK_LAST else Names.NOTHING


def _counts(words: list[str]) -> bool:
    """``LLM_MAX_TOKENS``: so many, and no secrets."""
    return "tokens" in words and bool(_SWITCHES & set(words))
