import { readFileSync } from 'node:fs'
import t from 'tap'
import { build, urlOf } from '../helper.js'
import { cameraPages, folder, pictures } from './camera-pages.js'

const open = await cameraPages(t)

t.test('the camera and the viewer of examples/camera, as they are: the viewer sees it, and hears when it goes', async (t) => {
  const app = await build(t, { BRIDGE: 'peerjs-drone' })
  const { port } = new URL(urlOf(app))
  const camera = await open(t, `camera.html?iceServers=[]&server=ws://127.0.0.1:${port}/drone`)
  await camera.getByText('here as cam-1, seen by 0').waitFor()
  const viewer = await open(t, `viewer.html?host=127.0.0.1&port=${port}`)
  await viewer.getByText('this is cam-1').waitFor()
  await camera.getByText('here as cam-1, seen by 1').waitFor()
  t.equal(await pictures(viewer, 25), 25)

  const again = await open(t, `viewer.html?host=127.0.0.1&port=${port}`)
  await camera.getByText('seen by 2').waitFor()
  await again.close()
  await camera.getByText('seen by 1').waitFor()

  await camera.close()
  await viewer.getByText('cam-1 has gone').waitFor()
  await viewer.reload()
  await viewer.getByText('cam-1 is not there').waitFor()
})

for (const file of ['camera.html', 'camera.js', 'pictures.js']) {
  t.test(`${file} has under 100 lines`, async (t) => {
    t.ok(readFileSync(new URL(file, folder), 'utf8').split('\n').length < 100)
  })
}
