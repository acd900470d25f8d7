import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A certificate with its key: paths of PEM files. */
export interface CertificateFiles {
  cert: string
  key: string
}

export interface Authority {
  /** The path of its own certificate: what its certificates are trusted by. */
  ca: string
  /** A new certificate for these names: `DNS:localhost,IP:127.0.0.1`. */
  issue: (name: string, subjects: string, days?: number) => CertificateFiles
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

/** A folder for certificates, and authorities that issue them; removed after the tests. */
export function useCertificates() {
  const dir = mkdtempSync(join(tmpdir(), 'certificates-'))
  after('remove the certificates', () => rmSync(dir, { recursive: true }))
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' })
  const authority = (id: string): Authority => {
    const files = ['-keyout', `${id}.key`, '-out', `${id}.pem`]
    openssl('req', '-x509', ...newKey, ...files, '-days', '2', '-subj', `/CN=${id}`)
    const issue = (name: string, subjects: string, days = 2) => {
      const request = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${subjects}`]
      openssl('req', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.csr`, ...request)
      const by = ['-CA', `${id}.pem`, '-CAkey', `${id}.key`, '-copy_extensions', 'copy']
      const out = ['-in', `${name}.csr`, '-out', `${name}.pem`, '-days', String(days)]
      openssl('x509', '-req', ...by, ...out)
      return { cert: join(dir, `${name}.pem`), key: join(dir, `${name}.key`) }
    }
    return { ca: join(dir, `${id}.pem`), issue }
  }
  return { dir, authority }
}

/** Puts other certificates where the first ones are, as a renewal does. */
export function renew(old: CertificateFiles, fresh: CertificateFiles): void {
  copyFileSync(fresh.cert, old.cert)
  copyFileSync(fresh.key, old.key)
}

export const readFiles = ({ cert, key }: CertificateFiles) => ({
  cert: readFileSync(cert),
  key: readFileSync(key),
})
