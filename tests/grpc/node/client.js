// A backend in Node, driven by client_test.py: leases and renews, then prints each call event of its subscription as a
// line of JSON and acknowledges it. It keeps no place of its own: when the gateway has gone, it opens the subscription
// again.
//
//   node client.js PROTO_DIRECTORY HOST:PORT EVENTS
'use strict';

const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const [protos, server, wanted] = process.argv.slice(2);
const definition = loader.loadSync(
  ['ringtrace/v1/lease_service.proto', 'ringtrace/v1/call_service.proto'],
  { includeDirs: [protos], keepCase: true, longs: String, enums: String, oneofs: true });
const { LeaseService, CallService } = grpc.loadPackageDefinition(definition).ringtrace.v1;

const leases = new LeaseService(server, grpc.credentials.createInsecure());
const calls = new CallService(server, grpc.credentials.createInsecure(), {
  'grpc.initial_reconnect_backoff_ms': 50,
  'grpc.max_reconnect_backoff_ms': 200,
});
let left = Number(wanted);

const tell = (what) => process.stdout.write(JSON.stringify(what) + '\n');

function unary(method, request) {
  return new Promise((resolve, reject) => {
    leases[method](request, { deadline: Date.now() + 30000 }, (error, answer) => (error ? reject(error) : resolve(answer)));
  });
}

function follow() {
  const stream = calls.StreamCallEvents();
  stream.write({ start: { subscription: 'crm' } });
  stream.on('data', ({ event }) => {
    tell({ event });
    stream.write({ ack_cursor: event.cursor });
    if (--left === 0) {
      stream.cancel();
      calls.close();
    }
  });
  stream.on('error', (error) => {
    if (left === 0) return;
    if (error.code !== grpc.status.UNAVAILABLE) throw error;
    tell({ again: true });
    setTimeout(follow, 50);
  });
}

async function main() {
  const visit = { visit_id: 'visit-node', visitor_id: 'browser-node', attributes: { utm_source: 'google', utm_medium: 'cpc' } };
  const { lease } = await unary('LeaseNumber', { parent: 'pools/main', visit });
  const renewed = await unary('RenewLease', { parent: 'pools/main', visit_id: 'visit-node', ttl: { seconds: 7200 } });
  tell({ lease, renewed: renewed.lease });
  leases.close();
  follow();
}

main();
