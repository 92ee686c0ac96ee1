
      import { cpu } from '@rnn/backend-cpu';
      import { setBackend } from '@rnn/core';
      import { saveCheckpoint } from '@rnn/io/node';
      setBackend(await cpu());
      for (let i = 1; ; i++) {
        await saveCheckpoint(process.argv[2], { i, data: new Float32Array(1 << 20).fill(i) });
        if (i === 1) console.log('first');
      }