// The chart and the manifests, by helm, kustomize and Kubernetes' own description of its API.
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { conform, root, tool } from './tools.mjs';

const chart = `${root}deploy/helm/antiphon`;
const external = 'database.url=postgresql://antiphon:x@db/antiphon';

/** What helm makes of the chart with these values, as a cluster of that version would see it. */
function render(values, kube = '1.34.0') {
  const done = tool('helm', ['template', 'chat', chart, '--namespace', 'n', '--kube-version', kube, ...values.flatMap((one) => ['--set', one])]);
  return { ...done, kinds: [...done.stdout.matchAll(/^kind: (\w+)$/gm)].map((match) => match[1]).sort() };
}

describe('the chart', () => {
  it('is without fault to helm lint', () => {
    const done = tool('helm', ['lint', '--strict', chart, '--set', external]);
    assert.equal(done.status, 0, done.stdout);
    assert.match(done.stdout, /0 chart\(s\) failed/);
  });

  for (const [title, values, kinds] of [
    ['with an address of the database', [external], ['Deployment', 'PodDisruptionBudget', 'Secret', 'Service', 'ServiceAccount']],
    ['with secrets that are there', ['database.existingSecret=d', 'redis.existingSecret=r', 'secretKey.existingSecret=s'], ['Deployment', 'PodDisruptionBudget', 'Service', 'ServiceAccount']],
    [
      'with everything',
      [
        external,
        'redis.url=rediss://r',
        'secretKey.generate=true',
        'autoscaling.enabled=true',
        'ingress.enabled=true',
        'ingress.className=nginx',
        'ingress.tlsSecret=t',
        'ingress.annotations.a=b',
        'env.OPENAI_API_BASE_URL=http://m',
        'env.ENABLE_SIGNUP=true',
        'envFrom[0].secretRef.name=m',
        'imagePullSecrets[0].name=p',
        'nodeSelector.a=b',
        'tolerations[0].key=k',
        'priorityClassName=high',
        'podLabels.a=b',
        'podAnnotations.a=b',
        'service.annotations.a=b',
        'serviceAccount.annotations.a=b',
        'topologySpreadConstraints[0].maxSkew=2',
        'topologySpreadConstraints[0].topologyKey=zone',
        'topologySpreadConstraints[0].whenUnsatisfiable=DoNotSchedule',
      ],
      ['Deployment', 'HorizontalPodAutoscaler', 'Ingress', 'PodDisruptionBudget', 'Secret', 'Service', 'ServiceAccount'],
    ],
  ]) {
    it(`makes valid objects ${title}`, () => {
      const done = render(values);
      assert.equal(done.status, 0, done.stderr);
      assert.deepEqual(done.kinds, kinds);
      assert.deepEqual(conform(done.stdout), { complaints: [], valid: kinds.length, invalid: 0, errors: 0, skipped: 0 });
    });
  }

  it('is refused by the checker when a property is misspelt: the checker is awake', () => {
    const { complaints } = conform(render([external]).stdout.replace('maxSurge', 'maxSurg'));
    assert.match(complaints.join(), /Deployment chat-antiphon.*maxSurg/);
  });

  it('refuses values that cannot work, naming them', () => {
    for (const [values, said] of [
      [[], /common PostgreSQL: set database\.url/],
      [[external, 'replicas=0'], /replicas/],
      [[external, 'replica=3'], /replica/],
      [['database.url=sqlite:///x'], /database\/url/],
      [[external, 'database.connections=9'], /connections/],
      [[external, 'service.sessionAffinity=ClientIP'], /sessionAffinity/],
    ]) {
      const done = render(values);
      assert.notEqual(done.status, 0, values.join());
      assert.match(done.stderr, said);
    }
    assert.match(render([external], '1.20.0').stderr, /kubeVersion/);
  });

  it('never has fewer replicas than asked for, no affinity, and a process that may do little', () => {
    const { stdout } = render([external, 'drain.delaySeconds=7', 'drain.seconds=60']);
    for (const line of [
      'rollingUpdate: {maxUnavailable: 0, maxSurge: 1}',
      'sessionAffinity: None',
      'terminationGracePeriodSeconds: 82',
      'args: [check]',
      'runAsNonRoot: true',
      'readOnlyRootFilesystem: true',
      'allowPrivilegeEscalation: false',
      'capabilities: {drop: [ALL]}',
      'seccompProfile: {type: RuntimeDefault}',
      'automountServiceAccountToken: false',
      '{name: ANTIPHON_DRAIN_DELAY_SECONDS, value: "7"}',
    ]) {
      assert.ok(stdout.includes(line), line);
    }
    assert.match(stdout, /startupProbe:\s+httpGet: \{path: \/ready/);
    assert.match(stdout, /livenessProbe:\s+httpGet: \{path: \/health/);
    assert.match(stdout, /readinessProbe:\s+httpGet: \{path: \/ready/);
  });

  it('leaves the number of replicas to the autoscaler', () => {
    assert.doesNotMatch(render([external, 'autoscaling.enabled=true']).stdout, /^ {2}replicas:/m);
    assert.match(render([external]).stdout, /^ {2}replicas: 3$/m);
  });

  it('tells what to do next', () => {
    // helm shows notes only where there is a cluster: here they are an object of a copy of the chart.
    const copy = mkdtempSync(join(tmpdir(), 'antiphon-chart-'));
    try {
      cpSync(chart, copy, { recursive: true });
      const text = readFileSync(`${copy}/templates/NOTES.txt`, 'utf8');
      rmSync(`${copy}/templates/NOTES.txt`);
      writeFileSync(`${copy}/templates/notes.yaml`, `{{ define "notes" }}${text}{{ end }}notes: {{ include "notes" . | toJson }}`);
      const notes = (...values) => {
        const args = ['template', 'chat', copy, '--kube-version', '1.34.0', '--show-only', 'templates/notes.yaml'];
        return JSON.parse(/^notes: (.*)$/m.exec(tool('helm', [...args, ...values.flatMap((one) => ['--set', one])]).stdout)[1]);
      };
      assert.match(notes(external), /logs deploy\/chat-antiphon -c check/);
      assert.match(notes(external), /^16 in all/m, '(3 replicas and one more) x (3 and one more)');
      assert.match(notes(external, 'autoscaling.enabled=true'), /^44 in all/m);
      assert.match(notes(external), /secretKey\.existingSecret keeps it outside/);
      assert.doesNotMatch(notes(external, 'secretKey.existingSecret=s'), /keeps it outside/);
    } finally {
      rmSync(copy, { recursive: true });
    }
  });
});

describe('the manifests', () => {
  it('make valid objects with kustomize', () => {
    const done = tool('kustomize', ['build', `${root}deploy/kubernetes`]);
    assert.equal(done.status, 0, done.stderr);
    assert.deepEqual(conform(done.stdout), { complaints: [], valid: 6, invalid: 0, errors: 0, skipped: 0 });
    assert.match(done.stdout, /maxUnavailable: 0/);
    assert.equal(done.stdout.match(/matchLabels:\s+app\.kubernetes\.io\/name: antiphon/g).length, 3);
  });

  it('are valid beside the base: secret and ingresses', () => {
    const files = readdirSync(`${root}deploy/kubernetes/ingress`).map((name) => `${root}deploy/kubernetes/ingress/${name}`);
    assert.ok(files.length >= 4);
    const found = conform([...files, `${root}deploy/kubernetes/secret.example.yaml`]);
    assert.deepEqual(found, { complaints: [], valid: files.length + 1, invalid: 0, errors: 0, skipped: 0 });
  });
});
