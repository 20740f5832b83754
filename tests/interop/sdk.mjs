// Tests the sandbox with the unmodified official TypeScript SDK.
//
// The SDK only signs with RSA (`auth.js` always requests RSA-PSS, which Node rejects for Ed25519 keys), and its types lack
// `key_type`. Checks below cover both limitations: they create and generate Ed25519 keys through the SDK; signatures.mjs
// signs with Ed25519.
import axios from 'axios';
import { createPrivateKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiKeyScope, ApiKeysApi, Configuration } from 'kalshi-typescript';
import { assert, check, fcmSandbox, sandbox } from './check.mjs';

// Each key needs its own axios instance: the SDK installs its signing interceptor on the given instance, or on the global
// one, where the interceptors of two API objects would conflict.
const api = (apiKey, key, { base_url: basePath } = sandbox) =>
    new ApiKeysApi(new Configuration({ apiKey, basePath, ...key }), undefined, axios.create());

/** Returns the response with which the SDK rejects a call, in the error of axios that it documents. */
async function rejected(call) {
    const error = await call.then(
        ({ status }) => assert.fail(`accepted with ${status}`),
        (error) => error,
    );
    assert.ok(axios.isAxiosError(error) && error.response, error.message);
    return error.response;
}

async function rejection(call) {
    const { status, data } = await rejected(call);
    const { code, details, service } = data.error;
    assert.equal(service, undefined);
    return [status, code, details].filter(Boolean).join(' ');
}

/** Calls each operation. */
const operations = (client) => [
    () => client.getApiKeys(),
    () => client.createApiKey({ name: 'n', public_key: publicKey }),
    () => client.generateApiKey({ name: 'n' }),
    () => client.deleteApiKey(randomUUID()),
];

const ids = async (client) => (await client.getApiKeys()).data.api_keys.map((key) => key.api_key_id);

const rootPem = readFileSync(sandbox.private_key_path, 'utf8');
const root = api(sandbox.api_key_id, { privateKeyPath: sandbox.private_key_path });
const fcmRoot = api(fcmSandbox.api_key_id, { privateKeyPath: fcmSandbox.private_key_path }, fcmSandbox);
const publicKey = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' });
const folder = mkdtempSync(join(tmpdir(), 'interop-sdk-'));
process.on('exit', () => rmSync(folder, { recursive: true }));
const created = [];

// First, because the faults apply to the first four requests.
await check('sdk: 429 of each operation, with the documented body', async () => {
    for (const call of operations(fcmRoot)) {
        const { status, headers, data } = await rejected(call());
        assert.equal(status, 429);
        assert.deepEqual(data, { error: 'too many requests' });
        assert.equal(headers['retry-after'], undefined);
    }
});

await check('sdk: lists the only key of a new account', async () => {
    const { status, data } = await root.getApiKeys();
    assert.equal(status, 200);
    const scopes = [ApiKeyScope.ApiKeyScopeRead, ApiKeyScope.ApiKeyScopeWrite];
    assert.deepEqual(data.api_keys, [{ api_key_id: sandbox.api_key_id, name: 'root', scopes }]);
});

await check('sdk: lists keys with an unsigned query', async () => {
    assert.deepEqual((await root.getApiKeys('u_desk7')).data.api_keys, []);
});

await check('sdk: generates an RSA key and authenticates with it', async () => {
    const { status, data } = await root.generateApiKey({ name: 'generated', scopes: [ApiKeyScope.ApiKeyScopeRead] });
    assert.equal(status, 201);
    created.push(data.api_key_id);
    assert.match(data.private_key, /^-----BEGIN RSA PRIVATE KEY-----/);
    assert.equal(createPrivateKey(data.private_key).asymmetricKeyDetails.modulusLength, 2048);
    const generated = api(data.api_key_id, { privateKeyPem: data.private_key });
    assert.deepEqual(await ids(generated), [sandbox.api_key_id, ...created]);
    assert.equal(await rejection(generated.deleteApiKey(data.api_key_id)), '403 insufficient_scope');
});

for (const modulusLength of [2048, 3072, 4096]) {
    await check(`sdk: creates a key from an RSA-${modulusLength} public key and authenticates with it`, async () => {
        const pair = generateKeyPairSync('rsa', { modulusLength });
        const public_key = pair.publicKey.export({ type: 'spki', format: 'pem' });
        const { status, data } = await root.createApiKey({ name: `own ${modulusLength}`, public_key });
        assert.equal(status, 201);
        created.push(data.api_key_id);
        for (const type of ['pkcs1', 'pkcs8']) {
            const privateKeyPem = pair.privateKey.export({ type, format: 'pem' });
            const privateKeyPath = join(folder, `${modulusLength}.${type}.pem`);
            writeFileSync(privateKeyPath, privateKeyPem, { mode: 0o600 });
            assert.ok((await ids(api(data.api_key_id, { privateKeyPem }))).includes(data.api_key_id), type);
            assert.ok((await ids(api(data.api_key_id, { privateKeyPath }))).includes(data.api_key_id), type);
        }
        const listed = (await root.getApiKeys()).data.api_keys.at(-1);
        const scopes = [ApiKeyScope.ApiKeyScopeRead, ApiKeyScope.ApiKeyScopeWrite];
        assert.deepEqual(listed, { api_key_id: data.api_key_id, name: `own ${modulusLength}`, scopes });
    });
}

await check('sdk: creates and generates Ed25519 keys, but cannot sign with them', async () => {
    const pair = generateKeyPairSync('ed25519');
    const public_key = pair.publicKey.export({ type: 'spki', format: 'pem' });
    const own = (await root.createApiKey({ name: 'own Ed25519', public_key })).data;
    // The SDK's types lack `key_type`, but JavaScript does not enforce them.
    const generated = (await root.generateApiKey({ name: 'generated Ed25519', key_type: 'ed25519' })).data;
    created.push(own.api_key_id, generated.api_key_id);
    assert.equal(generated.key_type, 'ed25519');
    assert.equal(createPrivateKey(generated.private_key).asymmetricKeyType, 'ed25519');
    const privateKeyPem = pair.privateKey.export({ type: 'pkcs8', format: 'pem' });
    for (const key of [{ id: own.api_key_id, privateKeyPem }, { id: generated.api_key_id, privateKeyPem: generated.private_key }]) {
        await assert.rejects(api(key.id, key).getApiKeys(), (error) => /^ERR_(OSSL|CRYPTO)/.test(error.code) && !error.response);
    }
});

await check('sdk: 401 for the private key of another key', async () => {
    const privateKeyPem = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
    const reason = await rejection(api(sandbox.api_key_id, { privateKeyPem }).getApiKeys());
    assert.equal(reason, '401 authentication_error INCORRECT_API_KEY_SIGNATURE');
});

await check('sdk: 401 for an unknown key ID', async () => {
    const reason = await rejection(api(randomUUID(), { privateKeyPem: rootPem }).getApiKeys());
    assert.equal(reason, '401 authentication_error NOT_FOUND');
});

await check('sdk: 401 without a key', async () => {
    assert.equal(await rejection(api(undefined, {}).getApiKeys()), '401 token_authentication_failure');
});

await check('sdk: 403 of each operation for a key of one sub-account, with the documented text', async () => {
    const { data } = await root.generateApiKey({ name: 'restricted', subaccount: 7 });
    created.push(data.api_key_id);
    const listed = (await root.getApiKeys()).data.api_keys.at(-1);
    assert.equal(listed.subaccount, 7);
    const restricted = api(data.api_key_id, { privateKeyPem: data.private_key });
    const message = 'this API key is restricted to a single sub-account and cannot access this endpoint';
    for (const call of operations(restricted)) {
        const { status, data } = await rejected(call());
        assert.equal(status, 403);
        assert.equal(data.error.message, message);
    }
    // Authentication comes first.
    const other = api(data.api_key_id, { privateKeyPem: rootPem });
    for (const call of operations(other)) {
        assert.equal(await rejection(call()), '401 authentication_error INCORRECT_API_KEY_SIGNATURE');
    }
});

await check('sdk: 403 of each operation for a key bound to an FCM subtrader', async () => {
    const { data } = await fcmRoot.generateApiKey({ name: 'bound', fcm_subtrader_id: 'u_desk7' });
    assert.deepEqual((await fcmRoot.getApiKeys('u_desk7')).data.api_keys.map((key) => key.api_key_id), [data.api_key_id]);
    const bound = api(data.api_key_id, { privateKeyPem: data.private_key }, fcmSandbox);
    for (const call of operations(bound)) {
        assert.equal(await rejection(call()), '403 fcm_subtrader_key');
    }
});

await check('sdk: 403 for a public key below Premier', async () => {
    const call = fcmRoot.createApiKey({ name: 'n', public_key: publicKey });
    assert.equal(await rejection(call), '403 insufficient_api_usage_level');
});

await check('sdk: 409 for a subtrader that is not visible, case included', async () => {
    for (const fcm_subtrader_id of ['u_desk8', 'u_DESK7']) {
        const call = fcmRoot.generateApiKey({ name: 'n', fcm_subtrader_id });
        assert.equal(await rejection(call), '409 fcm_subtrader_not_visible');
    }
});

for (const id of [randomUUID(), 'a/b c', '50%', 'é?#']) {
    await check(`sdk: 404 when deleting ${/^\w{8}-/.test(id) ? 'an unknown key' : JSON.stringify(id)}`, async () => {
        assert.equal(await rejection(root.deleteApiKey(id)), '404 not_found');
    });
}

for (const [what, call] of [
    ['an invalid public key', () => root.createApiKey({ name: 'n', public_key: 'none' })],
    ['a private key as the public key', () => root.createApiKey({ name: 'n', public_key: rootPem })],
    ['no public key', () => root.createApiKey({ name: 'n' })],
    ['an empty name', () => root.generateApiKey({ name: '' })],
    ['write without read', () => root.generateApiKey({ name: 'n', scopes: [ApiKeyScope.ApiKeyScopeWrite] })],
    ['a scope that does not exist', () => root.generateApiKey({ name: 'n', scopes: ['all'] })],
    ['sub-account 64', () => root.generateApiKey({ name: 'n', subaccount: 64 })],
]) {
    await check(`sdk: 400 for ${what}`, async () => {
        assert.equal(await rejection(call()), '400 invalid_parameters');
    });
}

await check('sdk: 403 for a subtrader when the account is not an FCM member', async () => {
    assert.equal(await rejection(root.generateApiKey({ name: 'n', fcm_subtrader_id: 'u_desk7' })), '403 not_an_fcm_member');
});

await check('sdk: deletes the created keys, which are then unknown', async () => {
    const { data } = await root.generateApiKey({ name: 'short-lived' });
    const last = api(data.api_key_id, { privateKeyPem: data.private_key });
    assert.ok((await ids(last)).includes(data.api_key_id));
    for (const id of [...created, data.api_key_id]) {
        assert.equal((await root.deleteApiKey(id)).status, 204);
        assert.equal(await rejection(root.deleteApiKey(id)), '404 not_found');
    }
    assert.deepEqual(await ids(root), [sandbox.api_key_id]);
    assert.equal(await rejection(last.getApiKeys()), '401 authentication_error NOT_FOUND');
});
