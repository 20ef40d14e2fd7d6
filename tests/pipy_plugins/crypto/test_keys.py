import pytest

from pipy_plugins.crypto import keys as module
from tests.pipy_plugins.crypto.openssl import openssl

MAKERS = [
    lambda pem: module.private_key(pem, None),
    lambda pem: module.public_key(pem, None),
    module.certificate,
    module.certificate_chain,
]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("value", [None, 5, ["x"], {}])
def test_wrong_types(make, value):
    with pytest.raises(TypeError, match="argument #1 expects a string or an instance of Data"):
        make(value)


@pytest.mark.parametrize("make", [module.private_key, module.public_key])
def test_sm2_is_not_supported(make):
    with pytest.raises(ValueError, match="keys of SM2 are not supported"):
        make("anything", "sm2")


def test_in_a_script(run):
    key = openssl("genrsa", "2048")
    results = run(
        """(k => [
            k instanceof crypto.PrivateKey, Object.keys(k).length, k.key,
            new crypto.PublicKey(pub, {}) instanceof crypto.PublicKey,
            caught(() => new crypto.PrivateKey(pub)),
            caught(() => new crypto.PublicKey()),
            caught(() => new crypto.PublicKey(pub, { aliasType: 'sm2' })),
            caught(() => new crypto.Certificate(pub)),
            caught(() => new crypto.CertificateChain('')),
        ])(new crypto.PrivateKey(key))""",
        key=key,
        pub=openssl("pkey", "-pubout", given=key).decode(),
    )
    assert results == [
        True,
        0,
        None,
        True,
        "Error: there is no private key in this PEM text, but PUBLIC KEY",
        "Error: argument #1 expects a string or an instance of Data",
        "Error: keys of SM2 are not supported",
        "Error: there is no certificate in this PEM text, but PUBLIC KEY",
        "Error: this is no certificate in PEM form",
    ]
