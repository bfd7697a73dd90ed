<?php
// Stands where Composer's vendor/autoload.php would, for the README's example: stubs by grpc_php_plugin, messages by Debian's
// protobuf runtime, and in place of the gRPC extension, which Debian does not have, unary calls over curl.

namespace {
    spl_autoload_register(function (string $class): void {
        foreach ([getenv('RINGTRACE_PHP_STUBS'), '/usr/share/php'] as $root) {
            $file = "$root/" . str_replace('\\', '/', $class) . '.php';
            if (is_file($file)) {
                require $file;
                return;
            }
        }
    });
}

namespace Grpc {
    const STATUS_OK = 0;

    class ChannelCredentials
    {
        public static function createInsecure()
        {
            return null;
        }
    }

    class UnaryCall
    {
        public function __construct(private $answer, private object $status)
        {
        }

        public function wait(): array
        {
            return [$this->answer, $this->status];
        }
    }

    class BaseStub
    {
        public function __construct(private string $server, array $options)
        {
        }

        protected function _simpleRequest($method, $argument, $deserialize, array $metadata = [], array $options = [])
        {
            $message = $argument->serializeToString();
            $said = [];
            $curl = curl_init("http://{$this->server}$method");
            curl_setopt_array($curl, [
                CURLOPT_HTTP_VERSION => CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE,
                CURLOPT_HTTPHEADER => ['Content-Type: application/grpc', 'TE: trailers'],
                CURLOPT_POSTFIELDS => "\0" . pack('N', strlen($message)) . $message,
                CURLOPT_RETURNTRANSFER => true,
                CURLOPT_TIMEOUT_MS => intdiv($options['timeout'], 1000),
                CURLOPT_HEADERFUNCTION => function ($curl, $line) use (&$said) {
                    [$name, $value] = explode(':', $line, 2) + [1 => ''];
                    $said[strtolower($name)] = trim($value);
                    return strlen($line);
                },
            ]);
            $body = curl_exec($curl);
            $status = (object) ['code' => (int) ($said['grpc-status'] ?? 14), 'details' => rawurldecode($said['grpc-message'] ?? '')];
            if ($status->code !== STATUS_OK) {
                return new UnaryCall(null, $status);
            }
            $answer = new $deserialize[0]();
            $answer->mergeFromString(substr($body, 5));
            return new UnaryCall($answer, $status);
        }
    }
}
