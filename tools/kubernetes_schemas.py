#!/usr/bin/env python3
"""Writes a JSON schema for each kind of Kubernetes object, as kubeconform looks for them, from the API's own description.

    tools/kubernetes_schemas.py swagger.json FOLDER

Strict: a property that the API does not have is refused, so that a misspelt one is found.
"""
import json
import pathlib
import sys

PREFIX = '#/definitions/'
# In the description these are objects or strings; in manifests they may be a number or a text.
EITHER = {
    'io.k8s.apimachinery.pkg.util.intstr.IntOrString': {'oneOf': [{'type': 'string'}, {'type': 'integer'}]},
    'io.k8s.apimachinery.pkg.api.resource.Quantity': {'oneOf': [{'type': 'string'}, {'type': 'number'}]},
}


def strict(schema):
    """The same with nothing allowed beside the named properties; an explicit null counts as not set."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: strict(value) for key, value in schema.items() if not key.startswith('x-kubernetes')}
    if isinstance(schema.get('properties'), dict) and 'additionalProperties' not in schema:
        out['additionalProperties'] = False
    return out


def main(description, folder):
    definitions = json.loads(pathlib.Path(description).read_text())['definitions']
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    common = {name: EITHER.get(name) or strict(schema) for name, schema in definitions.items()}
    (folder / '_definitions.json').write_text(json.dumps({'definitions': common}))
    count = 0
    for name, schema in definitions.items():
        for kind in schema.get('x-kubernetes-group-version-kind', []):
            if not schema.get('properties', {}).get('apiVersion'):
                continue
            group = kind['group'].split('.')[0]
            parts = [kind['kind'], group, kind['version']] if group else [kind['kind'], kind['version']]
            version = f"{kind['group']}/{kind['version']}" if kind['group'] else kind['version']
            # allOf would meet the strictness of the other half: the object itself is written out.
            whole = json.loads(json.dumps(common[name]).replace(PREFIX, '_definitions.json' + PREFIX))
            whole['properties']['apiVersion'] = {'enum': [version]}
            whole['properties']['kind'] = {'enum': [kind['kind']]}
            whole['required'] = sorted({*whole.get('required', []), 'apiVersion', 'kind'})
            (folder / ('-'.join(parts).lower() + '.json')).write_text(json.dumps(whole))
            count += 1
    print(f'{count} kinds')


if __name__ == '__main__':
    main(*sys.argv[1:3])
