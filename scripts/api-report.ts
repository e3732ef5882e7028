import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor'

const root = fileURLToPath(new URL('../', import.meta.url))

/** The checked-in report: every name that `signalbox` exports, with its type. */
export const reportPath = join(root, 'docs/api.md')

/** The report of the package as it was built last. */
export async function apiReport (): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'api-report-'))
  const config = ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(root, 'package.json'),
    configObject: {
      projectFolder: root,
      newlineKind: 'lf',
      mainEntryPointFilePath: join(root, 'dist/src/index.d.ts'),
      compiler: { tsconfigFilePath: join(root, 'tsconfig.json') },
      apiReport: { enabled: true, reportFileName: 'signalbox', reportFolder: folder, reportTempFolder: folder },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        extractorMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.None } }
      }
    }
  })
  Extractor.invoke(config, { localBuild: true, messageCallback: (message) => { message.handled = true } })
  return await readFile(join(folder, 'signalbox.api.md'), 'utf8')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(reportPath, await apiReport())
