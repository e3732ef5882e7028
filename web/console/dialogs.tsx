import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'

interface ModalProps {
  readonly title: string
  readonly className?: string
  readonly onClose: () => void
  readonly children: ComponentChildren
}

/** What stands before the page until it is closed, with Escape, too. */
export function Modal ({ title, className = '', onClose, children }: ModalProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => dialog.current?.showModal(), [])
  return (
    <dialog ref={dialog} class={className} aria-label={title} onClose={onClose}>
      <header class='bar'>
        <h2>{title}</h2>
        <button type='button' class='quiet' aria-label='Close' onClick={() => dialog.current?.close()}>✕</button>
      </header>
      {children}
    </dialog>
  )
}

interface AskedProps {
  readonly title: string
  readonly verb: string
  readonly work: () => Promise<void>
  readonly onDone: (isDone: boolean) => void
  readonly children: ComponentChildren
}

/** Asks before something is done that cannot be taken back. */
export function Asked ({ title, verb, work, onDone, children }: AskedProps) {
  const [error, fail] = useState('')
  const [isAtWork, begin] = useState(false)
  async function go (): Promise<void> {
    begin(true)
    try {
      await work()
      onDone(true)
    } catch (error) {
      fail((error as Error).message)
      begin(false)
    }
  }
  return (
    <Modal title={title} onClose={() => onDone(false)}>
      {children}
      {error !== '' && <p role='alert' class='bad'>It was not done: {error}</p>}
      <div class='actions'>
        <button type='button' onClick={() => onDone(false)}>Cancel</button>
        <button type='button' class='danger' disabled={isAtWork} onClick={go}>{verb}</button>
      </div>
    </Modal>
  )
}
