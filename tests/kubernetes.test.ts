import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { ScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject'
import { Deployment } from 'kubernetes-models/apps/v1/Deployment'
import { CronJob } from 'kubernetes-models/batch/v1/CronJob'
import { Job } from 'kubernetes-models/batch/v1/Job'
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget'
import { Namespace } from 'kubernetes-models/v1/Namespace'
import { Service } from 'kubernetes-models/v1/Service'
import { parse, parseAllDocuments } from 'yaml'
import { queues } from '#contracts/topology.ts'

/** What has a published schema; the operators of PostgreSQL and RabbitMQ have none in npm. */
const models = {
  ...{ CronJob, Deployment, Job, Namespace, NetworkPolicy, PodDisruptionBudget },
  ...{ ScaledObject, Service },
}

/** As the cluster gets it; loosely, since a schema decides. */
interface Manifest {
  apiVersion: string
  kind: string
  metadata: { name: string }
  // biome-ignore lint/suspicious/noExplicitAny: of any kind
  spec?: any
}

const manifestsOf = (text: string): Manifest[] =>
  parseAllDocuments(text).map((document) => {
    assert.deepEqual(document.errors, [])
    return document.toJS()
  })

function assertValid(manifest: Manifest): void {
  const Model = models[manifest.kind as keyof typeof models]
  if (!Model) return
  const model = new Model(manifest as never)
  assert.equal(model.apiVersion, Model.apiVersion)
  model.validate()
}

const dir = 'deploy/kubernetes'
const base = globSync(`${dir}/base/*.yaml`)
  .filter((path) => !path.endsWith('kustomization.yaml'))
  .flatMap((path) => manifestsOf(readFileSync(path, 'utf8')))
const deployments = base.filter(({ kind }) => kind === 'Deployment')
const compose = parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true })
const processes = ['orders', 'payments'].flatMap((service) =>
  ['api', 'relay', 'consumer'].map((kind) => `${service}-${kind}`),
)
const container = (name: string) =>
  deployments.find(({ metadata }) => metadata.name === name)?.spec.template.spec.containers[0]

describe('the manifests for Kubernetes', () => {
  it('are valid by the published schemas', () => {
    assert.ok(base.length > 25)
    for (const manifest of base) {
      if (manifest.metadata.name !== 'every-process') assertValid(manifest)
    }
    const wrong = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'x' } }
    const spec = { selector: {}, template: { spec: { containers: [{ name: 1 }] } } }
    assert.throws(() => assertValid({ ...wrong, spec }), /name/)
  })

  it('run what compose runs, from the same images', () => {
    for (const name of processes) {
      assert.deepEqual(container(name)?.args, compose.services[name].command)
    }
    assert.equal(container('gateway')?.image, compose.services.gateway.image)
    const broker = base.find(({ kind }) => kind === 'RabbitmqCluster')
    assert.equal(broker?.spec.image, compose.services.rabbitmq.image)
    const job = base.find(({ kind }) => kind === 'Job')?.spec.template.spec.containers[0]
    assert.deepEqual(job.args, compose.services.migrations.command)
  })

  it('give nginx all names of its templates', () => {
    for (const name of ['gateway', 'frontend']) {
      const template = readFileSync(`gateway/${name}.conf.template`, 'utf8')
      const wanted = [...template.matchAll(/\$\{([A-Z_]+)\}/g)].map(([, variable]) => variable)
      const given = container(name)?.env.map((variable: { name: string }) => variable.name)
      const script = readFileSync('gateway/nginx.sh', 'utf8')
      const fromScript = [...script.matchAll(/\b([A-Z][A-Z_]+)=/g)].map(
        ([, variable = '']) => variable,
      )
      assert.deepEqual(
        new Set(wanted),
        new Set([...given, ...fromScript].filter((one) => wanted.includes(one))),
      )
    }
  })

  it('scale each relay and each consumer, by the queue that it reads', () => {
    const scaled = base.filter(({ kind }) => kind === 'ScaledObject')
    assert.deepEqual(
      scaled.map(({ spec }) => spec.scaleTargetRef.name).sort(),
      processes.filter((name) => !name.endsWith('-api')).sort(),
    )
    const named = scaled.flatMap(({ spec }) => spec.triggers[0].metadata.queueName ?? [])
    assert.deepEqual(
      named.sort(),
      Object.values(queues)
        .map(({ queue }) => queue)
        .sort(),
    )
  })

  it('let nobody be reached, or reach anybody, but by a policy', () => {
    const labels = deployments
      .filter(({ metadata }) => metadata.name !== 'every-process')
      .map(({ spec }) => spec.template.metadata.labels)
    assert.equal(labels.length, 8)
    assert.ok(labels.every(({ part, app }) => part !== undefined && app !== undefined))
    const [nobody, ...hops] = base.filter(({ kind }) => kind === 'NetworkPolicy')
    assert.deepEqual(nobody?.spec.policyTypes, ['Ingress', 'Egress'])
    const apps = new Set([...labels.map(({ app }) => app), 'migrations', 'reconcile'])
    for (const app of JSON.stringify(hops).matchAll(/"app":"([a-z-]+)"/g))
      assert.ok(apps.has(app[1]))
  })

  it('are built by kustomize in both overlays', function () {
    if (spawnSync('kubectl', ['version', '--client']).status !== 0) this.skip()
    for (const overlay of ['development', 'production']) {
      const built = spawnSync('kubectl', ['kustomize', `${dir}/overlays/${overlay}`], {
        encoding: 'utf8',
      })
      assert.equal(built.status, 0, built.stderr)
      const manifests = manifestsOf(built.stdout)
      manifests.forEach(assertValid)
      const ofProcesses = manifests.filter(
        ({ kind, metadata }) => kind === 'Deployment' && processes.includes(metadata.name),
      )
      assert.equal(ofProcesses.length, 6)
      for (const { spec } of ofProcesses) {
        const [{ readinessProbe, livenessProbe }] = spec.template.spec.containers
        assert.equal(readinessProbe.httpGet.path, '/readyz')
        assert.equal(livenessProbe.httpGet.path, '/livez')
      }
    }
  })
})
