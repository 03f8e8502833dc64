import { mount } from 'svelte';
import './app.css';
import Root from './app/Root.svelte';

mount(Root, { target: document.getElementById('app')! });
