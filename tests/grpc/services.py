"""The services as a Python client sees them, with Debian's grpcio and stubs made here from proto/.

    import services
    channel = services.connect(stack)
    answer = services.leases(channel).LeaseNumber(services.lease_request("visit-1"))
"""

import atexit
import datetime
import ipaddress
import pathlib
import shutil
import subprocess
import sys
import tempfile

import grpc
from stack import DEADLINE, ROOT

_generated = tempfile.mkdtemp(prefix="ringtrace-stubs-")
atexit.register(shutil.rmtree, _generated, ignore_errors=True)
_protos = sorted(str(path.relative_to(ROOT / "proto")) for path in (ROOT / "proto").rglob("*.proto"))
subprocess.run(["protoc", "-I", ".", f"--python_out={_generated}", f"--grpc_out={_generated}",
                f"--plugin=protoc-gen-grpc={shutil.which('grpc_python_plugin')}", *_protos], cwd=ROOT / "proto", check=True)
sys.path.insert(0, _generated)
import google  # noqa: E402

# The stubs' google.rpc beside the library's google.protobuf.
google.__path__.append(f"{_generated}/google")

from google.rpc import error_details_pb2, status_pb2  # noqa: E402
from ringtrace.v1 import (call_pb2, call_service_pb2, call_service_pb2_grpc, lease_service_pb2,  # noqa: E402, F401
                          lease_service_pb2_grpc, pool_service_pb2, pool_service_pb2_grpc)

leases = lease_service_pb2_grpc.LeaseServiceStub
calls = call_service_pb2_grpc.CallServiceStub
pools = pool_service_pb2_grpc.PoolServiceStub


def connect(stack, credentials=None):
    """A channel to the stack's gateway; with TLS when credentials are given."""
    address = f"127.0.0.1:{stack.grpc_port}"
    options = [("grpc.enable_http_proxy", 0), ("grpc.max_reconnect_backoff_ms", 500)]
    if credentials is None:
        return grpc.insecure_channel(address, options)
    return grpc.secure_channel(address, credentials, options)


def bearer(token):
    return [("authorization", f"Bearer {token}")]


def lease_request(visit, pool="main", **attributes):
    request = lease_service_pb2.LeaseNumberRequest(parent=f"pools/{pool}")
    request.visit.visit_id = visit
    for key, value in attributes.items():
        setattr(request.visit.attributes, key, value)
    return request


class Refusal:
    """What a failed call said."""

    def __init__(self, error):
        self.code = error.code().name
        self.message = error.details()
        self.reason, self.metadata, self.retry = None, {}, None
        for key, value in error.trailing_metadata() or ():
            if key != "grpc-status-details-bin":
                continue
            for detail in status_pb2.Status.FromString(value).details:
                info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
                if detail.Unpack(info):
                    self.reason, self.metadata = info.reason, dict(info.metadata)
                elif detail.Unpack(retry):
                    self.retry = retry.retry_delay.ToTimedelta().total_seconds()


def refusal(call):
    """The Refusal of a call that must fail."""
    try:
        call()
    except grpc.RpcError as error:
        return Refusal(error)
    raise AssertionError("the call succeeded")


class Authority:
    """A certificate authority for one test; certificates and keys go into `directory`."""

    def __init__(self, directory, name="authority"):
        from cryptography.hazmat.primitives.asymmetric import ec
        self.directory = pathlib.Path(directory)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = self._subject(name)
        self.file = self.directory / f"{name}.pem"
        self._write(self.file, self._sign(self._name, self._key.public_key(), datetime.timedelta(hours=1), ca=True))

    def issue(self, name, lasts=datetime.timedelta(hours=1), began=datetime.timedelta(minutes=5)):
        """(certificate file, key file), valid from `began` ago until `lasts` from now, for 127.0.0.1."""
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        key = ec.generate_private_key(ec.SECP256R1())
        files = self.directory / f"{name}.pem", self.directory / f"{name}.key"
        files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                               serialization.NoEncryption()))
        self._write(files[0], self._sign(self._subject(name), key.public_key(), lasts, began=began))
        return files

    @staticmethod
    def _subject(name):
        from cryptography import x509
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])

    @staticmethod
    def _write(path, certificate):
        from cryptography.hazmat.primitives import serialization
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def _sign(self, subject, key, lasts, began=datetime.timedelta(minutes=5), ca=False):
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes
        now = datetime.datetime.utcnow()
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(self._name).public_key(key)
                   .serial_number(x509.random_serial_number()).not_valid_before(now - began)
                   .not_valid_after(now + lasts)
                   .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True))
        if not ca:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        return builder.sign(self._key, hashes.SHA256())


def deadline():
    """For calls that must not hang with what they test."""
    return DEADLINE


def php_stubs(directory):
    """A directory with PHP's messages and stubs, made inside `directory`."""
    made = pathlib.Path(directory) / "php-stubs"
    made.mkdir()
    protos = [proto for proto in _protos if proto.startswith("ringtrace")]
    subprocess.run(["protoc", "-I", ".", f"--php_out={made}", f"--grpc_out={made}",
                    f"--plugin=protoc-gen-grpc={shutil.which('grpc_php_plugin')}", *protos], cwd=ROOT / "proto", check=True)
    return str(made)


def stubs():
    """The directory with the stubs, for a program of its own."""
    return _generated
