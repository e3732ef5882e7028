/* The browser example of the drone server's README, as it stands there. */
/* eslint-disable */
const ws = new WebSocket('ws://localhost:8081');

// Register client
ws.onopen = () => {
  ws.send(JSON.stringify({
    type: 'register',
    id: 'drone-alpha-001'
  }));
};

// Handle messages
ws.onmessage = (event) => {
  const data = JSON.parse(event.data);
  
  switch (data.type) {
    case 'registered':
      console.log('Registered with ID:', data.id);
      break;
      
    case 'offer':
      // Handle incoming WebRTC offer
      handleOffer(data.sdp, data.from);
      break;
      
    case 'answer':
      // Handle WebRTC answer
      handleAnswer(data.sdp, data.from);
      break;
      
    case 'ice':
      // Handle ICE candidate
      handleICE(data.candidate, data.from);
      break;
  }
};

// Send WebRTC offer
function sendOffer(targetId, sdpOffer) {
  ws.send(JSON.stringify({
    type: 'offer',
    target: targetId,
    sdp: sdpOffer
  }));
}

// Send WebRTC answer
function sendAnswer(targetId, sdpAnswer) {
  ws.send(JSON.stringify({
    type: 'answer',
    target: targetId,
    sdp: sdpAnswer
  }));
}

// Send ICE candidate
function sendICE(targetId, candidate) {
  ws.send(JSON.stringify({
    type: 'ice',
    target: targetId,
    candidate: candidate
  }));
}
