#!/usr/bin/env bash
# Signatures between this crate and the `openssl` command, both ways: `signatures.sh FOLDER`, where FOLDER/NAME.headers
# were signed by the crate with FOLDER/NAME.private.pem. curl sends, with the headers of the crate's `sign` example to
# register a key and those made by openssl to use it.
set -uo pipefail
folder=$1
sign=${CARGO_TARGET_DIR:-target}/debug/examples/sign
failed=0

# check WHAT COMMAND…: one line a check.
check() {
    local what=$1 said
    shift
    if said=$("$@" 2>&1); then echo "ok $what"; else
        echo "not ok $what"
        head -c 2000 <<<"$said" | sed 's/^/  /'
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

# verify KIND PUBLIC TEXT SIGNATURE, each a file
verify() {
    case $1 in
        rsa*) dgst $PSS:32 -verify "$2" -signature "$4" "$3" ;;
        ed25519*) openssl pkeyutl -verify -pubin -inkey "$2" -rawin -in "$3" -sigfile "$4" ;;
    esac
}

# make SCHEME KEY TEXT SIGNATURE: signs, in one of the schemes
make() {
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

# lists ID NAME SCHEME STATUS: a list, signed by openssl, is answered with the status
lists() {
    local id=$1 name=$2 scheme=$3 expected=$4 work=$folder/openssl timestamp seen
    timestamp=$(date +%s%3N)
    printf '%sGET%s/api_keys' "$timestamp" "$path" >"$work.text"
    make "$scheme" "$folder/$name.private.pem" "$work.text" "$work.sig" || return
    seen=$(curl -sS --noproxy '*' -o "$work.answer" -w '%{http_code}' -H "KALSHI-ACCESS-KEY: $id" \
        -H "KALSHI-ACCESS-TIMESTAMP: $timestamp" \
        -H "KALSHI-ACCESS-SIGNATURE: $(openssl base64 -A -in "$work.sig")" "$base_url/api_keys")
    echo "answered $seen"
    cat "$work.answer"
    [ "$seen" = "$expected" ]
}

for file in "$folder"/*.headers; do
    name=$(basename "$file" .headers)
    check "openssl verifies what the crate signed: $name" verifies_ours "$name"

    answer=$(register "$name")
    check "curl registers a key with the headers of the sign example: $name" grep -q api_key_id <<<"$answer"
    id=$(field "$answer" api_key_id)
    case $name in
        rsa*)
            check "the sandbox accepts what openssl signed: $name" lists "$id" "$name" pss 200
            check "the sandbox refuses, of openssl, a salt of 20 bytes: $name" lists "$id" "$name" salt20 401
            check "the sandbox refuses, of openssl, the padding of PKCS#1 v1.5: $name" lists "$id" "$name" pkcs1v15 401
            ;;
        *) check "the sandbox accepts what openssl signed: $name" lists "$id" "$name" ed25519 200 ;;
    esac
done
exit "$failed"
