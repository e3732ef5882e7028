import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { freePort } from '../../scripts/ports.js'
import { runNginx, temporary } from '../deploy/proxy-process.js'
import { until, urlOf } from '../helper.js'

/** The lines that a location of Signalbox needs. */
export const right: readonly string[] = [
  'proxy_http_version 1.1;',
  'proxy_set_header Upgrade $http_upgrade;',
  'proxy_set_header Connection $connection_header;',
  'proxy_set_header Host $http_host;',
  'proxy_set_header X-Forwarded-For $remote_addr;',
  'proxy_read_timeout 90s;'
]

/** Debian's nginx on the loopback, with this configuration of its one server. Answers with its URL. */
export async function nginx (t: Test, server: string, upstream: readonly number[] = []): Promise<string> {
  const [directory, port] = [temporary(t), await freePort()]
  const temporaries = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${directory}/${name};`)
  const nodes = upstream.length === 0 ? '' : `upstream nodes { ${upstream.map((node) => `server 127.0.0.1:${node};`).join(' ')} }`
  writeFileSync(join(directory, 'nginx.conf'), `pid ${directory}/nginx.pid; error_log stderr crit; events {} http {
    ${temporaries.join(' ')}
    access_log off;
    map $http_upgrade $connection_header { default upgrade; '' ''; }
    ${nodes}
    server { listen 127.0.0.1:${port}; location = /up { return 200; } ${server} }
  }`)
  await runNginx(t, directory)
  await until(async () => await fetch(`${urlOf(port)}/up`).then(({ status }) => status === 200, () => false))
  return urlOf(port)
}
