// Signatures between this crate and Node's `crypto`, both ways: `signatures.mjs FOLDER`, where FOLDER/NAME.headers were
// signed by the crate with FOLDER/NAME.private.pem.
import { constants, createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { assert, check, sandbox } from './check.mjs';

const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };

/** How each kind of key signs; the hash of Ed25519 is its own. */
const scheme = (key) => (key.asymmetricKeyType === 'rsa' ? ['sha256', PSS] : [null, {}]);

const [folder] = process.argv.slice(2);
for (const file of readdirSync(folder).filter((file) => file.endsWith('.headers'))) {
    const name = file.replace('.headers', '');
    await check(`node verifies what the crate signed: ${name}`, () => {
        const lines = readFileSync(`${folder}/${file}`, 'utf8').trim().split('\n');
        const headers = Object.fromEntries(lines.map((line) => line.split(': ')));
        const publicKey = createPublicKey(createPrivateKey(readFileSync(`${folder}/${name}.private.pem`)));
        const text = `${headers['kalshi-access-timestamp']}PUT/trade-api/v2/a%20b`;
        const signature = Buffer.from(headers['kalshi-access-signature'], 'base64');
        const [hash, options] = scheme(publicKey);
        assert.ok(verify(hash, Buffer.from(text), { key: publicKey, ...options }, signature));
        assert.ok(!verify(hash, Buffer.from(`${text}/`), { key: publicKey, ...options }, signature), 'of another text');
    });
}

/** Sends a request signed with a key, in the documented way unless `scheme` or `text` say another. */
async function send(id, key, method, path, { body, options, signed } = {}) {
    const url = new URL(sandbox.base_url + path);
    const timestamp = Date.now().toString();
    const [hash, documented] = scheme(key);
    const text = Buffer.from(signed ?? timestamp + method + url.pathname);
    const headers = {
        'KALSHI-ACCESS-KEY': id,
        'KALSHI-ACCESS-TIMESTAMP': timestamp,
        'KALSHI-ACCESS-SIGNATURE': sign(hash, text, { key, ...(options ?? documented) }).toString('base64'),
        ...(body && { 'Content-Type': 'application/json' }),
    };
    const answer = await fetch(url, { method, headers, body: JSON.stringify(body) });
    return { status: answer.status, body: await answer.json() };
}

const root = createPrivateKey(readFileSync(sandbox.private_key_path));

async function register(name, publicKey) {
    const body = { name, public_key: publicKey.export({ type: 'spki', format: 'pem' }) };
    const answer = await send(sandbox.api_key_id, root, 'POST', '/api_keys', { body });
    assert.equal(answer.status, 201);
    return answer.body.api_key_id;
}

async function refused(id, key, how) {
    const answer = await send(id, key, 'GET', '/api_keys', how);
    assert.equal(answer.status, 401);
    assert.equal(answer.body.error.details, 'INCORRECT_API_KEY_SIGNATURE');
}

for (const modulusLength of [2048, 3072, 4096]) {
    const pair = generateKeyPairSync('rsa', { modulusLength });
    const id = await register(`node ${modulusLength}`, pair.publicKey);
    for (const type of ['pkcs1', 'pkcs8']) {
        await check(`the sandbox accepts what node signed: RSA-${modulusLength}, ${type}`, async () => {
            const key = createPrivateKey(pair.privateKey.export({ type, format: 'pem' }));
            const answer = await send(id, key, 'GET', '/api_keys?fcm_subtrader_id=u_1');
            assert.deepEqual(answer, { status: 200, body: { api_keys: [] } });
        });
    }
    for (const [what, options] of [
        ['a salt of 20 bytes', { ...PSS, saltLength: 20 }],
        ['the longest salt', { ...PSS, saltLength: constants.RSA_PSS_SALTLEN_MAX_SIGN }],
        ['the padding of PKCS#1 v1.5', { padding: constants.RSA_PKCS1_PADDING }],
    ]) {
        await check(`the sandbox refuses, of node, ${what}: RSA-${modulusLength}`, () =>
            refused(id, pair.privateKey, { options }));
    }
}

const pair = generateKeyPairSync('ed25519');
const id = await register('node Ed25519', pair.publicKey);
await check('the sandbox accepts what node signed: Ed25519, pkcs8', async () => {
    const key = createPrivateKey(pair.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    assert.equal((await send(id, key, 'GET', '/api_keys')).status, 200);
});
await check('the sandbox refuses, of node, another text: Ed25519', () =>
    refused(id, pair.privateKey, { signed: `${Date.now()}DELETE/trade-api/v2/api_keys` }));

for (const [key_type, begin] of [['rsa', 'RSA PRIVATE KEY'], ['ed25519', 'PRIVATE KEY']]) {
    await check(`node signs with a key that the sandbox generated: ${key_type}`, async () => {
        const body = { name: 'generated', key_type };
        const made = await send(sandbox.api_key_id, root, 'POST', '/api_keys/generate', { body });
        assert.equal(made.status, 201);
        assert.ok(made.body.private_key.startsWith(`-----BEGIN ${begin}-----\n`));
        const key = createPrivateKey(made.body.private_key);
        assert.equal((await send(made.body.api_key_id, key, 'GET', '/api_keys')).status, 200);
    });
}
