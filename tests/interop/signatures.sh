#!/usr/bin/env bash
# Verifies signatures of this crate with the `openssl` command, and of openssl with the sandbox: `signatures.sh FOLDER`,
# where the crate created FOLDER/NAME.headers with FOLDER/NAME.private.pem. curl registers each key with headers of the
# crate's `sign` example and uses it with signatures of openssl.
set -uo pipefail
folder=$1
sign=${CARGO_TARGET_DIR:-target}/debug/examples/sign
failed=0

# check NAME COMMAND…: prints `ok NAME` or `not ok NAME`
check() {
    local name=$1 output
    shift
    if output=$("$@" 2>&1); then echo "ok $name"; else
        echo "not ok $name"
        head -c 2000 <<<"$output" | sed 's/^/  /'
        failed=1
    fi
}

field() { node -p "JSON.parse(process.argv[1])[process.argv[2]]" "$1" "$2"; }
base_url=$(field "$SANDBOX" base_url)
root_id=$(field "$SANDBOX" api_key_id)
root_key=$(field "$SANDBOX" private_key_path)
path=/${base_url#*://*/}

header() { sed -n "s/^kalshi-access-$1: //p" "$2"; }

PSS='-sigopt rsa_padding_mode:pss -sigopt rsa_mgf1_md:sha256 -sigopt rsa_pss_saltlen'
dgst() { openssl dgst -sha256 "$@"; }

# verify ALGORITHM PUBLIC_KEY TEXT SIGNATURE: the last three are files
verify() {
    case $1 in
        rsa*) dgst $PSS:32 -verify "$2" -signature "$4" "$3" ;;
        ed25519*) openssl pkeyutl -verify -pubin -inkey "$2" -rawin -in "$3" -sigfile "$4" ;;
    esac
}

# make_signature SCHEME KEY TEXT SIGNATURE: signs with the given scheme
make_signature() {
    case $1 in
        pss) dgst $PSS:32 -sign "$2" -out "$4" "$3" ;;
        salt20) dgst $PSS:20 -sign "$2" -out "$4" "$3" ;;
        pkcs1v15) dgst -sign "$2" -out "$4" "$3" ;;
        ed25519) openssl pkeyutl -sign -inkey "$2" -rawin -in "$3" -out "$4" ;;
    esac
}

verifies_ours() {
    local name=$1 work=$folder/openssl
    openssl pkey -in "$folder/$name.private.pem" -pubout -out "$work.pub" || return
    printf '%sPUT/trade-api/v2/a%%20b' "$(header timestamp "$folder/$name.headers")" >"$work.text"
    header signature "$folder/$name.headers" | openssl base64 -d -A >"$work.sig" || return
    verify "$name" "$work.pub" "$work.text" "$work.sig" || return
    printf / >>"$work.text"
    ! verify "$name" "$work.pub" "$work.text" "$work.sig"
}

register() {
    local name=$1 pem
    pem=$(openssl pkey -in "$folder/$name.private.pem" -pubout | awk '{ printf "%s\\n", $0 }') || return
    "$sign" "$root_id" "$root_key" POST "$path/api_keys" >"$folder/openssl.headers.register" || return
    curl -sS --noproxy '*' --fail-with-body -H "@$folder/openssl.headers.register" -H 'Content-Type: application/json' \
        -d "{\"name\":\"openssl $name\",\"public_key\":\"$pem\"}" "$base_url/api_keys"
}

# list_returns ID NAME SCHEME STATUS: checks the status of a list request signed by openssl
list_returns() {
    local id=$1 name=$2 scheme=$3 expected=$4 work=$folder/openssl timestamp status
    timestamp=$(date +%s%3N)
    printf '%sGET%s/api_keys' "$timestamp" "$path" >"$work.text"
    make_signature "$scheme" "$folder/$name.private.pem" "$work.text" "$work.sig" || return
    status=$(curl -sS --noproxy '*' -o "$work.response" -w '%{http_code}' -H "KALSHI-ACCESS-KEY: $id" \
        -H "KALSHI-ACCESS-TIMESTAMP: $timestamp" \
        -H "KALSHI-ACCESS-SIGNATURE: $(openssl base64 -A -in "$work.sig")" "$base_url/api_keys")
    echo "status $status"
    cat "$work.response"
    [ "$status" = "$expected" ]
}

for file in "$folder"/*.headers; do
    name=$(basename "$file" .headers)
    check "openssl verifies a signature by the crate: $name" verifies_ours "$name"

    response=$(register "$name")
    check "curl registers a key with the headers of the sign example: $name" grep -q api_key_id <<<"$response"
    id=$(field "$response" api_key_id)
    case $name in
        rsa*)
            check "the sandbox accepts a signature by openssl: $name" list_returns "$id" "$name" pss 200
            check "the sandbox rejects a signature by openssl with a salt of 20 bytes: $name" list_returns "$id" "$name" salt20 401
            check "the sandbox rejects a signature by openssl with PKCS#1 v1.5 padding: $name" list_returns "$id" "$name" pkcs1v15 401
            ;;
        *) check "the sandbox accepts a signature by openssl: $name" list_returns "$id" "$name" ed25519 200 ;;
    esac
done
exit "$failed"
