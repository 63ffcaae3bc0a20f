#!/bin/sh
# The TAXII door by curl, as its manual would have it.
# Usage: curl.sh BASE TOKEN    (a desk and a token that reads and writes)
set -eu
base=$1 token=$2
type='application/taxii+json;version=2.1'
ask() { curl --silent --show-error --fail-with-body --header "Authorization: Bearer $token" --header "Accept: $type" "$@"; }
status() { curl --silent --output /dev/null --write-out '%{http_code}' "$@"; }

ask "$base/taxii2/" | grep -q '"/local/"'
ask "$base/local/" | grep -q 'max_content_length'
ask --compressed "$base/local/collections/" | grep -q '"can_write":true'
objects="$base/local/collections/workbench/objects/"
tool='{"type":"tool","spec_version":"2.1","id":"tool--00000000-0000-4000-8000-00000000c0c0","created":"2031-01-01T00:00:00.000Z","modified":"2031-01-01T00:00:00.000Z","name":"An invented kettle"}'
printf '{"objects":[%s]}' "$tool" | ask --header "Content-Type: $type" --data-binary @- "$objects" | grep -q '"success_count":1'
printf '{"objects":[%s]}' "$tool" | gzip | ask --header "Content-Type: $type" --header 'Content-Encoding: gzip' --data-binary @- "$objects" | grep -q '"success_count":1'
ask --globoff "$objects?match[type]=tool&limit=1" | grep -q 'An invented kettle'
ask --http2-prior-knowledge --head "$objects" | grep -qi 'x-taxii-date-added-last'
ask --request DELETE "${objects}tool--00000000-0000-4000-8000-00000000c0c0/"
[ "$(status --header "Authorization: Bearer $token" "${objects}tool--00000000-0000-4000-8000-00000000c0c0/")" = 404 ]
[ "$(status "$base/taxii2/")" = 401 ]
[ "$(status --header "Authorization: Bearer $token" --header 'Accept: text/html' "$objects")" = 406 ]
[ "$(status --header "Authorization: Bearer $token" --globoff "$objects?match[version]=newest")" = 400 ]
echo "curl: discovery, add, gzip, filters, HTTP/2, HEAD, delete, errors"
